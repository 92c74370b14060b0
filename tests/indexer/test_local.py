"""The local store: searches equal brute force, and what is added is there as one step."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexer.creation import create_index
from indexer.engine import Batch
from indexer.errors import CatalogError, IndexBusyError, IndexFolderError
from indexer.generations import is_stale
from indexer.loading import Loader
from indexer.local import LocalStore, open_for_writing
from indexer.spaces import Space
from models.extraction import PoolName, Vectors
from service.verify import verify
from tests.fakes import CHANNELS, build_fake, manifest
from tests.indexer.batches import random_batch


def spaces(store: LocalStore) -> list[Space]:
    return list(store.manifest.spaces.values())


def is_due(store: LocalStore) -> bool:
    return is_stale(store.manifest, store.catalog.live_slots(), store.catalog.next_slot())


# --- searching ---------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_every_space_is_searched_exactly_with_or_without_segments(
    tmp_path: Path, pictures: Path, metric: str
) -> None:
    index = tmp_path / "index"
    build_fake(index, pictures, made=manifest(metric=metric))
    store = LocalStore(index)
    for space in spaces(store):
        vectors = space.transform(store.pools(np.arange(20), space.pools))
        for at, match in enumerate(store.view().search(space, vectors[:4], 6)):
            expected = vectors @ vectors[at]
            if metric == "l2":
                expected = -np.linalg.norm(vectors - vectors[at], axis=1)
            assert match.exact
            np.testing.assert_allclose(match.similarities, np.sort(expected)[::-1][:6], atol=1e-3)
            assert match.slots[0] == at
    store.close()


def test_items_newer_than_the_generation_are_found(fake_index: Path) -> None:
    with open_for_writing(fake_index) as writer:
        writer.add(random_batch(writer.manifest, ["new/0", "new/1", "new/2"]))
        assert is_due(writer)
        store = LocalStore(fake_index)
        for space in spaces(store):
            queries = space.transform(store.pools(np.arange(20, 23), space.pools))
            found = store.view().search(space, queries, 4)
            assert [match.slots[0] for match in found] == [20, 21, 22]
            assert len(store.view().search(space, queries, 100)[0].slots) == 23
        store.close()


def test_an_index_type_that_approximates_says_so(tmp_path: Path, pictures: Path) -> None:
    index = tmp_path / "index"
    build_fake(index, pictures, made=manifest(index_type="HNSW16"))
    store = LocalStore(index)
    view = store.view()
    exact = {s.name: view.search(s, _zeros(store, s), 3)[0].exact for s in spaces(store)}
    assert exact == {name: name not in store.manifest.indexed_spaces for name in exact}
    store.close()


def _zeros(store: LocalStore, space: Space) -> Vectors:
    return np.zeros((1, store.manifest.dimension(space)), np.float32)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    view = store.view()
    for space in spaces(store):
        (match,) = view.search(space, _zeros(store, space), 5)
        assert (len(match.slots), store.count(), view.reference(space).size) == (0, 0, 0)
    assert list(verify(store.folder)) == []
    store.close()


def test_many_threads_load_the_snapshot_once(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, loads, load = LocalStore(fake_index), [], Loader.load
    monkeypatch.setattr(Loader, "load", lambda *given: loads.append(1) or load(*given))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda at: store.view(newest=at % 2 == 0), range(32)))
    assert len({id(one) for one in found}) == len(loads) == 1
    store.close()


def test_short_pools_are_named(fake_index: Path) -> None:
    path = fake_index / "pools" / "4-gap.f16"
    with path.open("r+b") as file:
        file.truncate(19 * CHANNELS[3] * 2)
    store = LocalStore(fake_index)
    with pytest.raises(IndexFolderError, match=r"4-gap\.f16' is damaged: it has 19 rows, row 19"):
        store.pools(np.arange(20), [PoolName(4, "gap")])
    store.close()


# --- writing -----------------------------------------------------------------------------------


def test_a_batch_takes_the_next_slots_and_a_replaced_item_counts_its_version(
    fake_index: Path,
) -> None:
    with open_for_writing(fake_index) as store:
        batch = random_batch(store.manifest, ["new", "003.png"], unreadable=["bad"])
        store.add(batch)
        new, again = store.item("new"), store.item("003.png")
        assert new is not None
        assert again is not None
        assert (new.version, new.slot, again.version, again.slot) == (1, 20, 2, 21)
        assert [failure.key for failure in store.failures()] == ["bad"]
        for name, stored in store.pools(np.array([20, 21]), list(store.manifest.pools)).items():
            assert batch.pools is not None
            np.testing.assert_allclose(stored, batch.pools[name], atol=1e-3)
        store.add(Batch([], batch.unreadable, None))
        assert store.catalog.next_slot() == 22


def test_pools_are_on_disk_before_the_commit_that_makes_them_real(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr("indexer.pools.os.fsync", lambda _: steps.append("synced"))
    monkeypatch.setattr(
        "indexer.catalog.Catalog.put", lambda self, items: steps.append("committed")
    )
    with open_for_writing(fake_index) as store:
        store.add(random_batch(store.manifest, ["a"]))
    assert steps == ["synced"] * 9 + ["committed"]  # eight files, and the folder of their names


def test_a_checkpoint_does_nothing_unless_one_is_due(fake_index: Path) -> None:
    told: list[str] = []
    before = (fake_index / "manifest.json").read_bytes()
    with open_for_writing(fake_index) as store:
        store.checkpoint(lambda: told.append("starting"))
        assert ((fake_index / "manifest.json").read_bytes(), told) == (before, [])
        store.add(random_batch(store.manifest, ["new"]))
        store.checkpoint(lambda: told.append("starting"))
        assert told == ["starting"]
        assert not is_due(store)
        assert store.manifest.generation == store.view().manifest.generation
        assert store.manifest.generation is not None
        assert store.manifest.generation.slots == 21


def test_a_full_disk_loses_nothing_that_was_stored(fake_index: Path) -> None:
    with open_for_writing(fake_index) as store:
        store.add(random_batch(store.manifest, ["before"]))
        pages = store.catalog.connection.execute("PRAGMA page_count").fetchone()[0]
        store.catalog.connection.execute(f"PRAGMA max_page_count = {pages}")
        many = random_batch(store.manifest, [f"{n:03}" * 50 for n in range(200)])
        with pytest.raises(CatalogError, match=r"catalog\.sqlite' cannot be used: .*full"):
            store.add(many)
        assert (store.count(), store.catalog.next_slot()) == (21, 21)
        store.catalog.connection.execute("PRAGMA max_page_count = 100000")  # room was made
        store.add(many)
        store.checkpoint()
        assert store.count() == 221
        assert store.item("before") is not None
        # Its pictures were never there; all else fits together.
        assert all("is gone" in problem for problem in verify(store.folder))


def test_one_writes_at_a_time_and_an_error_gives_the_lock_back(fake_index: Path) -> None:
    def fail_while_writing() -> None:
        with open_for_writing(fake_index):
            with pytest.raises(IndexBusyError, match="is being written by process"):
                open_for_writing(fake_index).__enter__()
            raise RuntimeError("while writing")

    with pytest.raises(RuntimeError, match="while writing"):
        fail_while_writing()
    with open_for_writing(fake_index) as store:
        assert store.count() == 20
