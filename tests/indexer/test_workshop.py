"""The workshop: what searches read is made from raw pools alone, the same each time."""

from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from indexer import workshop
from indexer.local import LocalStore, open_for_writing
from tests.indexer.batches import random_batch


def test_the_reference_sample_is_fixed_and_at_most_its_size(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "REFERENCE_SIZE", 7)
    store = LocalStore(fake_index)
    live, space = store.catalog.live_slots(), store.manifest.spaces["block4-gap-whitened"]
    first = store.shop.reference(space, live)
    again = store.shop.reference(space, live)
    np.testing.assert_array_equal(first, again)
    every = space.transform(store.pools(live, space.pools)).astype(np.float16).astype(np.float32)
    assert first.shape == (7, 12)
    assert len({row.tobytes() for row in first} & {row.tobytes() for row in every}) == 7
    store.close()


def test_the_reference_sample_of_a_small_catalog_is_all_of_it(fake_index: Path) -> None:
    store = LocalStore(fake_index)
    space = store.manifest.spaces["block1+2-foreground-whitened"]
    vectors = space.transform(store.pools(np.arange(20), space.pools))
    np.testing.assert_array_equal(
        store.view().reference(space), vectors.astype(np.float16).astype(np.float32)
    )
    store.close()


def test_vectors_come_in_runs_and_are_those_of_the_space(fake_index: Path) -> None:
    store = LocalStore(fake_index)
    slots = np.tile(np.arange(20), 500)  # more than one run takes
    for space in store.manifest.spaces.values():
        runs = list(store.shop.vectors(space, slots))
        assert [len(run) for run, _ in runs] == [len(v) for _, v in runs] == [4096, 4096, 1808]
        np.testing.assert_array_equal(np.concatenate([run for run, _ in runs]), slots)
        expected = space.transform(store.pools(slots, space.pools))
        np.testing.assert_array_equal(np.concatenate([v for _, v in runs]), expected)
        raw = [one[space.pools[0]] for one in store.shop.raw(space, slots)]
        np.testing.assert_array_equal(
            np.concatenate(raw), store.pools(slots, space.pools)[space.pools[0]]
        )
    store.close()


def test_a_segment_is_of_the_manifests_type_and_of_these_slots(fake_index: Path) -> None:
    store = LocalStore(fake_index)
    made = replace(store.manifest, index_type="HNSW8")
    space, slots = made.space_of_attribute("texture"), np.array([2, 3, 11])
    segment = store.shop.segment(made, space, slots)
    assert isinstance(faiss.downcast_index(segment._index), faiss.IndexHNSWFlat)
    assert segment.slots.tolist() == [2, 3, 11]
    queries = space.transform(store.pools(slots, space.pools))
    _, found = segment.search(queries, 1, np.ones(20, np.bool_))
    assert found[:, 0].tolist() == [2, 3, 11]
    store.close()


def test_covered_segments_leave_out_what_is_newer_or_gone(fake_index: Path) -> None:
    with open_for_writing(fake_index) as store:
        store.add(random_batch(store.manifest, ["new", "003.png"]))
        space = store.manifest.space_of_attribute("texture")
        (segment,) = store.shop.covered_segments(store.manifest, space)
        assert segment.slots.tolist() == [slot for slot in range(20) if slot != 3]
        without = replace(store.manifest, generation=None)
        assert store.shop.covered_segments(without, space) == []
