"""Presets: the pools they store, and what `color` and `texture` are bound to."""

import pytest

from indexer.presets import PRESETS, get_preset, lay_out
from models.backbones import get_backbone
from models.errors import UnknownNameError
from models.extraction import PoolName

RESNET = get_backbone("resnet50")
LITE = get_backbone("efficientnet_lite0")


def test_the_paper_searches_color_in_block_2_and_texture_in_block_4_plainly() -> None:
    layout = lay_out(get_preset("paper"), RESNET, (1, 2, 3, 4), "cosine")
    assert layout.attributes == {"color": "block2-gap", "texture": "block4-gap"}
    assert not any(space.root or space.centre for space in layout.spaces)
    assert [str(pool) for pool in layout.pools] == ["1-gap", "2-gap", "3-gap", "4-gap"]


def test_the_default_pools_color_over_the_foreground() -> None:
    layout = lay_out(get_preset("default"), RESNET, (1, 2, 3, 4), "cosine")
    assert layout.attributes == {"color": "block1-foreground", "texture": "block4-gap"}
    assert all(space.root and space.centre for space in layout.spaces)


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
    assert layout.attributes["texture"] == "block5-gap"


def test_taps_that_are_linear_are_not_rooted() -> None:
    layout = lay_out(get_preset("default"), LITE, (1, 2), "cosine")
    roots = {space.pools[0]: space.root for space in layout.spaces}
    assert roots[PoolName(1, "gap")]
    assert not roots[PoolName(2, "gap")]


def test_an_unknown_preset_is_named_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'best': expected one of default"):
        get_preset("best")
