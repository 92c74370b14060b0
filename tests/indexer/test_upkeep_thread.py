"""Upkeep's thread: it sweeps once, looks whenever something was written, and outlives failures."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from indexer import generations, local, upkeep
from indexer.creation import create_index
from indexer.errors import DiskFullError, IndexBusyError, StoppedError
from indexer.local import LocalStore, open_for_writing
from indexer.upkeep import Upkeep
from tests.fakes import manifest
from tests.indexer.batches import random_batch

WAIT_S = 30.0


class Watched(LocalStore):
    """Says when it was swept and maintained; fails first as ``fails`` does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tried, self.swept = Event(), Event()
        self.looked, self.made = Event(), Event()
        self.sweeps = 0
        self.fails: list[Callable[[], None]] = []

    def sweep(self) -> None:
        self.sweeps += 1
        try:
            super().sweep()
            self.swept.set()
        finally:
            self.tried.set()

    def maintain(self) -> bool:
        try:
            if self.fails:
                self.fails.pop(0)()
            done = super().maintain()
            if done:
                self.made.set()
            return done
        finally:
            self.looked.set()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    for module in (generations, local):
        monkeypatch.setattr(module, "ENOUGH", 4)
    create_index(tmp_path / "index", manifest())
    store = Watched(tmp_path / "index")
    yield store
    store.close()


@pytest.fixture
def kept(store: Watched) -> Iterator[Upkeep]:
    """Its upkeep, which has looked once."""
    store.view()
    upkeep = Upkeep(store)
    upkeep.start()
    assert store.looked.wait(WAIT_S)
    store.looked.clear()
    yield upkeep
    upkeep.close()


def add(store: LocalStore, *keys: str) -> None:
    store.add(random_batch(store.manifest, keys, seed=len(keys)))


def raises(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.usefixtures("kept")
def test_a_generation_is_made_once_enough_is_written(store: Watched) -> None:
    add(store, "a", "b", "c")
    assert store.looked.wait(WAIT_S)
    assert store.manifest.generation is None
    add(store, "d")
    assert store.made.wait(WAIT_S)
    assert store.manifest.generation is not None
    assert store.manifest.generation.vectors == 4
    assert store.sweeps == 1


@pytest.mark.usefixtures("kept")
def test_a_generation_is_made_anew_once_enough_is_gone(store: Watched) -> None:
    add(store, "a", "b", "c", "d")
    assert store.made.wait(WAIT_S)
    store.made.clear()
    store.remove(["a", "b"])
    assert store.made.wait(WAIT_S)
    assert store.manifest.generation is not None
    assert store.manifest.generation.vectors == 2


def test_what_a_crash_left_behind_is_swept_at_first(store: Watched) -> None:
    stray = store.folder / "media" / "00" / "stray.png"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"left")
    generation = store.folder / "spaces" / "color" / "7"
    generation.mkdir(parents=True)
    upkeep = Upkeep(store)
    upkeep.start()
    assert store.looked.wait(WAIT_S)
    upkeep.close()
    assert not stray.exists()
    assert not generation.exists()


@pytest.mark.usefixtures("kept")
def test_a_failure_is_logged_and_tried_again_at_the_next_write(
    store: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    store.fails = [raises(DiskFullError("no room")), raises(IndexBusyError("busy"))]
    for key in ("abcd", "ef", "gh"):
        store.looked.clear()
        add(store, *key)
        assert store.looked.wait(WAIT_S)
    assert store.made.wait(WAIT_S)
    assert store.fails == []
    logged = [one for one in caplog.records if "upkeep of" in one.msg]
    assert [one.levelno for one in logged] == [logging.ERROR]  # another writer is no error


def test_it_tries_again_after_a_while_though_nothing_is_written(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_AGAIN_S", 0.001)
    add(store, "a", "b", "c", "d")
    store.view()
    store.fails = [raises(DiskFullError("no room"))] * 3
    kept = Upkeep(store)
    kept.start()
    assert store.made.wait(WAIT_S)
    kept.close()


def test_sweeping_waits_for_another_process_and_is_not_forgotten(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_AGAIN_S", 0.001)
    with open_for_writing(store.folder):
        kept = Upkeep(store)
        kept.start()
        assert store.tried.wait(WAIT_S)
        assert not store.swept.is_set()
    assert store.swept.wait(WAIT_S)
    kept.close()
    assert store.sweeps > 1


def test_it_ends_soon_though_a_generation_is_being_made(store: Watched) -> None:
    add(store, "a", "b", "c", "d")
    begun, go = Event(), Event()

    def stop_here() -> None:
        begun.set()
        assert go.wait(WAIT_S)

    store.fails = [stop_here]
    kept = Upkeep(store)
    kept.start()
    assert begun.wait(WAIT_S)
    store.interrupt()
    go.set()
    kept.close()
    assert store.manifest.generation is None
    with pytest.raises(StoppedError, match="the index is being closed"):
        store.rebuild()
