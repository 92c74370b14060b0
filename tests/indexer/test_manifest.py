"""The manifest: what it is known by, and what it says of names that are not in it."""

from dataclasses import replace

import pytest

from models.errors import BlockError, UnknownNameError
from tests.fakes import manifest
from tests.indexer.manifests import full


def test_two_indexes_alike_have_different_identities() -> None:
    assert manifest().identity != manifest().identity
    assert replace(manifest(), identity="a") == replace(manifest(), identity="a")


def test_statistics_change_with_any_mean_and_with_nothing_else() -> None:
    made = full()
    assert made.generation is not None
    same = replace(
        made, identity="x", created="y", generation=replace(made.generation, number=9, slots=99)
    )
    assert same.statistics == made.statistics
    for name, space in made.spaces.items():
        assert space.mean is not None
        moved = replace(space, mean=(*space.mean[:-1], 2.0**-139))
        assert replace(made, spaces={**made.spaces, name: moved}).statistics != made.statistics
        unset = replace(space, mean=None)
        assert replace(made, spaces={**made.spaces, name: unset}).statistics != made.statistics


def test_an_attribute_or_block_that_is_not_there_is_named_with_those_there_are() -> None:
    made = manifest(blocks=(1, 2))
    assert made.space_of_attribute("color").name == "block1-foreground"
    assert made.space_of_block(2).name == "block2-gap"
    with pytest.raises(UnknownNameError, match="unknown attribute 'shape': expected one of color"):
        made.space_of_attribute("shape")
    with pytest.raises(BlockError, match="block 4 is not in this index: it stores blocks 1, 2"):
        made.space_of_block(4)


def test_a_space_that_two_attributes_share_is_indexed_once() -> None:
    assert manifest(preset="paper", blocks=(3,)).indexed_spaces == ["block3-gap"]
