"""The manifest: what it is known by, and what it says of names that are not in it."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.branches import Affine
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
        for at, branch in enumerate(space.branches):
            assert branch.layers is not None
            last = branch.layers[-1]
            moved = np.concatenate([last.shift[:-1], np.float32([2.0**-139])])
            for layers in ((*branch.layers[:-1], Affine(moved, last.matrix)), None):
                changed = replace(branch, layers=layers)
                branches = (*space.branches[:at], changed, *space.branches[at + 1 :])
                spaces = {**made.spaces, name: replace(space, branches=branches)}
                assert replace(made, spaces=spaces).statistics != made.statistics


def test_an_attribute_or_block_that_is_not_there_is_named_with_those_there_are() -> None:
    made = manifest(blocks=(1, 2))
    assert made.space_of_attribute("color").name == "block1+2-foreground-whitened"
    assert made.space_of_block(2).name == "block2-gap"
    with pytest.raises(UnknownNameError, match="unknown attribute 'shape': expected one of color"):
        made.space_of_attribute("shape")
    with pytest.raises(BlockError, match="block 4 is not in this index: it stores blocks 1, 2"):
        made.space_of_block(4)


def test_a_space_that_two_attributes_share_is_indexed_once() -> None:
    assert manifest(preset="paper", blocks=(3,)).indexed_spaces == ["block3-gap"]
