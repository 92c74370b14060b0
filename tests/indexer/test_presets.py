"""Presets: the pools they store, and what `color` and `texture` are bound to."""

import numpy as np
import pytest

from indexer.branches import Branch
from indexer.presets import PRESETS, Layout, get_preset, lay_out
from indexer.statistics import color_probe
from models.backbones import get_backbone
from models.errors import UnknownNameError

RESNET = get_backbone("resnet50")
LITE = get_backbone("efficientnet_lite0")


def test_the_paper_searches_color_in_block_2_and_texture_in_block_4_plainly() -> None:
    layout = lay_out(get_preset("paper"), RESNET, (1, 2, 3, 4), "cosine")
    assert layout.attributes == {"color": "block2-gap", "texture": "block4-gap"}
    assert all(one.method == "plain" and not one.rooted for one in branches(layout))
    assert [str(pool) for pool in layout.pools] == ["1-gap", "2-gap", "3-gap", "4-gap"]


def test_the_default_pools_color_over_the_foreground() -> None:
    layout = lay_out(get_preset("default"), RESNET, (1, 2, 3, 4), "cosine")
    assert layout.attributes == {
        "color": "block1+2-foreground-whitened",
        "texture": "block4-gap-whitened",
    }
    assert all(one.rooted == set(one.pools) for one in branches(layout))
    methods = {space.name: {one.method for one in space.branches} for space in layout.spaces}
    assert methods.pop(layout.attributes["color"]) == {"whitened"}
    assert methods.pop(layout.attributes["texture"]) == {"whitened"}
    assert all(found == {"centred"} for found in methods.values())


def test_color_alone_is_probed_with_flat_colors() -> None:
    def flat(block: int) -> np.ndarray:
        return np.random.default_rng(block).random((30, RESNET.channels[block - 1]), np.float32)

    layout = lay_out(get_preset("default"), RESNET, (1, 2, 3, 4), "cosine", flat)
    for space in layout.spaces:
        expected = space.name == layout.attributes["color"]
        assert all((one.probe is not None) == expected for one in space.branches)
    (color,) = (one for one in layout.spaces if one.name == layout.attributes["color"])
    assert [one.dimension(64) for one in color.branches] == [24, 24]
    assert color.branches[1].probe == color_probe(np.sqrt(flat(2)))


def test_distances_are_never_whitened() -> None:
    layout = lay_out(get_preset("default"), RESNET, (1, 2, 3, 4), "l2")
    assert layout.attributes == {"color": "block1-foreground", "texture": "block4-gap"}
    assert all(one.method == "centred" for one in branches(layout))


def branches(layout: Layout) -> list[Branch]:
    return [one for space in layout.spaces for one in space.branches]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("blocks", [(1,), (3,), (5,), (2, 4), (5, 1), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("backbone", [RESNET, LITE])
def test_every_choice_of_blocks_has_both_attributes_and_a_space_a_block(
    name: str, blocks: tuple[int, ...], backbone: object
) -> None:
    layout = lay_out(get_preset(name), backbone, blocks, "l2")
    names = [space.name for space in layout.spaces]
    assert len(set(names)) == len(names)
    assert set(layout.attributes.values()) <= set(names)
    assert {f"block{block}-gap" for block in blocks} <= set(names)
    stored = set(layout.pools)
    assert all(set(space.pools) <= stored for space in layout.spaces)
    assert {pool.block for pool in stored} == set(blocks)
    assert all(space.metric == "l2" for space in layout.spaces)


def test_the_best_block_that_is_stored_is_taken() -> None:
    layout = lay_out(get_preset("paper"), RESNET, (3, 5), "cosine")
    assert layout.attributes == {"color": "block3-gap", "texture": "block3-gap"}


def test_a_backbone_has_its_own_order_for_texture() -> None:
    layout = lay_out(get_preset("default"), LITE, (1, 2, 3, 4, 5), "cosine")
    assert layout.attributes["texture"] == "block5-gap-whitened"


def test_taps_that_are_linear_are_not_rooted() -> None:
    layout = lay_out(get_preset("default"), LITE, (1, 2), "cosine")
    assert all(
        (pool in one.rooted) == (pool.block == 1) for one in branches(layout) for pool in one.pools
    )


def test_an_unknown_preset_is_named_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'best': expected one of default"):
        get_preset("best")
