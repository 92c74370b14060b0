"""Fewer numbers a vector: what is kept, and what is lost against all there are."""

from pathlib import Path

import numpy as np
import pytest

from indexer.branches import Affine, Branch
from indexer.local import LocalStore
from indexer.presets import get_preset, lay_out
from indexer.reduction import ReductionError, measure_loss, parse_reduction, reduced
from indexer.spaces import Space, similarities, simple_space
from models.backbones import get_backbone
from models.extraction import PoolName
from tests.fakes import build_fake, manifest

A, B = PoolName(1, "foreground"), PoolName(2, "foreground")
WIDTHS = {A: 6, B: 8}


@pytest.mark.parametrize(("text", "expected"), [("none", None), ("pca:1", 1), ("pca:2048", 2048)])
def test_reduction_is_none_or_a_number_of_components(text: str, expected: int | None) -> None:
    assert parse_reduction(text) == expected


@pytest.mark.parametrize("text", ["", "pca", "pca:", "pca:0", "pca:2049", "umap:8", "64", "pca:-1"])
def test_what_is_no_reduction_is_named(text: str) -> None:
    with pytest.raises(ReductionError, match=f"reduce is '{text}': expected none, or pca:N"):
        parse_reduction(text)


def test_numbers_are_shared_by_branches() -> None:
    wide = Space("s", (Branch((A,), method="whitened", width=6), Branch((B,), method="centred")),
                 "cosine")  # fmt: skip
    found = reduced(wide, 5, WIDTHS)
    assert found.dimension(WIDTHS) == 4
    assert [one.method for one in found.branches] == ["whitened", "whitened"]
    assert found.name == "s-pca5"
    assert reduced(wide, 14, WIDTHS) is wide
    assert reduced(wide, 1, WIDTHS).dimension(WIDTHS) == 2  # a branch keeps one at least


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_layout_keeps_block_spaces_whole(preset: str) -> None:
    backbone = get_backbone("resnet50")
    layout = lay_out(get_preset(preset), backbone, (1, 2, 3, 4), "cosine")
    widths = {pool: backbone.channels[pool.block - 1] for pool in layout.pools}
    small = layout.reduced(16, widths)
    by_name = {space.name: space for space in small.spaces}
    for name in small.attributes.values():
        assert by_name[name].dimension(widths) == 16
        assert name.endswith("-pca16")
    assert by_name["block4-gap"].dimension(widths) == 1024
    assert set(small.attributes) == set(layout.attributes)


def test_distances_are_those_of_the_widest_directions() -> None:
    random = np.random.default_rng(0)
    raw = {A: (random.standard_normal((50, 6)) * [9, 5, 3, 1e-3, 1e-3, 1e-3]).astype(np.float32)}
    whole = simple_space("s", (A,), False, False, "l2")
    small = reduced(whole, 3, WIDTHS).fitted(lambda: [raw])
    assert small.transform(raw).shape == (50, 3)
    before = similarities(whole.transform(raw), whole.transform(raw), "l2")
    after = similarities(small.transform(raw), small.transform(raw), "l2")
    np.testing.assert_allclose(after, before, atol=0.02)


def test_loss_is_the_share_of_neighbours_that_are_others_now(
    pictures: Path, tmp_path: Path
) -> None:
    made = manifest()
    texture = made.space_of_attribute("texture")
    for count, expected in ((12, 1.0), (1, None)):
        space = reduced(texture, count, made.pools)
        build_fake(tmp_path / str(count), pictures, made=made.with_attributes({"texture": space}))
        store = LocalStore(tmp_path / str(count))
        loss = measure_loss(store, "texture")
        store.close()
        assert (loss.attribute, loss.whole, loss.kept, loss.items) == ("texture", 12, count, 20)
        assert loss.same == pytest.approx(expected) if expected else 0.4 < loss.same < 0.95


def test_what_was_learned_is_part_of_what_is_whole(pictures: Path, tmp_path: Path) -> None:
    learned = Branch((A,), method="learned", layers=(Affine(np.zeros(6, np.float32)),))
    space = Space("own", (learned,), "cosine")
    build_fake(tmp_path / "index", pictures, made=manifest().with_attributes({"own": space}))
    store = LocalStore(tmp_path / "index")
    assert measure_loss(store, "own").same == 1.0
    store.close()
