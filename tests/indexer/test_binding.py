"""Attributes bound anew: one step, whatever the index type, and never half done."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.factory import IndexTypeError
from indexer.local import LocalStore
from indexer.manifest import Manifest
from indexer.manifest_file import read_manifest
from indexer.spaces import Space, simple_space
from models.errors import UnknownNameError
from models.extraction import PoolName
from tests.fakes import build_fake, manifest


def space(block: int, name: str = "own") -> Space:
    return simple_space(name, (PoolName(block, "gap"),), root=False, centre=True, metric="cosine")


def filled(space: Space) -> Space:
    raw = {pool: np.ones((2, 8), np.float32) for pool in space.pools}
    return space.fitted(lambda: [raw])


def test_bound_attribute_has_a_mean_segments_and_a_sample(fake_index: Path) -> None:
    store = LocalStore(fake_index)
    store.bind({"pattern": space(2)})
    made = read_manifest(fake_index)
    generation = made.generation
    assert generation is not None
    assert made.space_of_attribute("pattern").ready
    assert {"own"} <= set(generation.segments) & set(generation.references)
    store.close()


def test_name_that_is_taken_by_another_space_is_not_given_again() -> None:
    first = manifest().with_attributes({"pattern": space(2, "block2-gap")})
    assert first.attributes["pattern"] == "block2-gap-2"
    both = first.with_attributes({"weave": space(3, "block2-gap")})
    assert both.attributes["weave"] == "block2-gap-3"
    again: Manifest = both.with_attributes({"pattern": filled(space(2))})
    assert again.attributes == both.attributes


def test_pool_that_is_not_stored_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown pool '5-gap'"):
        manifest().with_attributes({"pattern": space(5)})


def test_space_that_the_index_type_cannot_search_changes_nothing(
    pictures: Path, tmp_path: Path
) -> None:
    # Six channels of block 1 go into three parts, ten of block 3 do not.
    parts = manifest(index_type="IVF1,PQ3x4", blocks=(1, 3))
    made = replace(parts, attributes={"color": "block1-gap"})
    build_fake(tmp_path / "index", pictures, made=made)
    store = LocalStore(tmp_path / "index")
    before = read_manifest(tmp_path / "index")
    with pytest.raises(IndexTypeError):
        store.bind({"pattern": space(3)})
    assert read_manifest(tmp_path / "index") == before
    store.view(newest=True)
    store.close()
