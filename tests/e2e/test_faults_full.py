"""A full disk refuses writes, loses nothing, goes on answering, and takes writes again later."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.faults import full
from benchmarks.faults.checking import survivors
from benchmarks.faults.mix import Lane, Notes, held, new_index
from indexer.errors import DiskFullError
from indexer.local import LocalStore

pytestmark = pytest.mark.e2e


@pytest.mark.skipif(not full.possible(), reason="this machine lets nobody mount a disk of his own")
def test_a_disk_that_runs_full_loses_nothing_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    figures = full.run(tmp_path)
    assert figures.refused == 5  # of five: an item, a removal, a label, two generations
    assert figures.stored > 50
    assert figures.stored_since == 20
    # SQLite notes a removal before it makes room for anything: some pages have to be free.
    assert figures.room_to_remove <= 64 * 2**10


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(new_index(tmp_path / "index"))


@pytest.fixture
def lane(store: LocalStore, tmp_path: Path) -> Lane:
    """Writes to the store, three items being there."""
    lane = Lane(store, Notes(tmp_path / "notes"), 0, seed=1)
    lane.add(["0/a", "0/b", "0/c"])
    store.checkpoint()
    store.view()
    return lane


def no_room(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("full_for", ["pathlib.Path.write_bytes", "indexer.pools.os.pwrite"])
def test_an_item_for_which_there_is_no_room_is_not_there_in_part(
    store: LocalStore, lane: Lane, monkeypatch: pytest.MonkeyPatch, full_for: str
) -> None:
    before = held(store)
    with monkeypatch.context() as patch:
        patch.setattr(full_for, no_room)
        with pytest.raises(DiskFullError, match="no room on the disk of"):
            lane.add(["0/d"])
        assert survivors(store.folder, before, ())[1] == []
    lane.add(["0/d"])
    assert survivors(store.folder, held(store), ())[1] == []
    assert len(store.view().slots) == 4
    store.close()


def test_a_catalog_without_room_takes_a_write_whole_or_not_at_all(
    store: LocalStore, lane: Lane
) -> None:
    connection = store.catalog.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    before = held(store)
    with pytest.raises(DiskFullError, match="the disk is full"):
        lane.add([f"0/{number}" + 300 * "x" for number in range(200)])
    assert survivors(store.folder, before, ())[1] == []
    lane.remove(["0/a"])  # takes no page more
    connection.execute("PRAGMA max_page_count = 100000")
    lane.add(["0/more"])
    assert sorted(held(store)) == ["0/b", "0/c", "0/more"]
    assert survivors(store.folder, held(store), ())[1] == []
    store.close()


def faiss_writes_nothing(_: object, path: str) -> None:
    raise RuntimeError(f"Error: write error in {path}: {os.strerror(errno.ENOSPC)}")


@pytest.mark.parametrize(
    ("written_by", "fails"),
    [("faiss.write_index", faiss_writes_nothing), ("indexer.generations.np.save", no_room)],
    ids=["segments", "samples"],
)
def test_a_generation_for_which_there_is_no_room_leaves_the_one_before(
    store: LocalStore,
    lane: Lane,
    monkeypatch: pytest.MonkeyPatch,
    written_by: str,
    fails: Callable[..., object],
) -> None:
    lane.add(["0/d"])
    before, files = (store.folder / "manifest.json").read_bytes(), derived(store)
    with monkeypatch.context() as patch:
        patch.setattr(written_by, fails)
        with pytest.raises(DiskFullError, match="no room on the disk of"):
            store.rebuild()
        assert (store.folder / "manifest.json").read_bytes() == before
        assert derived(store) == files  # what there was of the new one takes no room
        assert len(store.view(newest=True).slots) == 4
    store.rebuild()
    assert (store.folder / "manifest.json").read_bytes() != before
    assert survivors(store.folder, held(store), ())[1] == []
    store.close()


def derived(store: LocalStore) -> list[Path]:
    return sorted(store.folder.glob("spaces/*/*/*"))
