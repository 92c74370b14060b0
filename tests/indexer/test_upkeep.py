"""Upkeep: generations as items come and go, whatever else it cannot do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from indexer import following, generations
from indexer.creation import create_index
from indexer.errors import UnfinishedIndexError
from indexer.local import LocalStore
from indexer.manifest import Generation
from indexer.manifest_file import manifest_copy, write_manifest
from indexer.upkeep import Upkeep
from service.verify import verify
from tests.fakes import manifest
from tests.indexer.batches import kept_batch, random_batch


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStore]:
    """An index that began empty, and for which ten items are enough."""
    monkeypatch.setattr(generations, "ENOUGH", 10)
    monkeypatch.setattr("indexer.local.ENOUGH", 10)
    create_index(tmp_path / "index", manifest())
    with closing(LocalStore(tmp_path / "index")) as store:
        store.view()
        yield store


def keys(count: int, start: int = 0) -> list[str]:
    return [f"{at:03}" for at in range(start, start + count)]


def generation(store: LocalStore) -> Generation:
    found = store.view(newest=True).manifest.generation
    assert found is not None
    return found


def test_items_past_what_can_be_searched_without_a_generation_get_one(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SCANNED", 15)
    monkeypatch.setattr(following, "_FRESH_S", 0.0)
    with closing(LocalStore(store.folder)) as other:
        other.add(random_batch(other.manifest, keys(16)))
    with pytest.raises(UnfinishedIndexError):
        store.view(newest=True)
    assert store.maintain()
    assert store.view().count == 16


def test_means_of_many_items_are_not_replaced_by_those_of_a_few(store: LocalStore) -> None:
    store.add(random_batch(store.manifest, keys(20)))
    assert store.maintain()
    means = store.manifest.statistics
    store.remove(keys(20))
    assert store.maintain()  # there is nothing left to search in the segments
    assert generation(store).vectors == 0
    assert not store.maintain()
    store.add(random_batch(store.manifest, ["a"]))
    assert not store.maintain()
    view = store.view()
    assert view.manifest.statistics == means
    for space in view.manifest.spaces.values():
        assert view.vectors(space, view.slots).any(), "its own mean would leave nothing of it"
    store.add(random_batch(store.manifest, keys(9, 100)))
    assert store.maintain()  # there are enough again, and the old ones are gone
    assert (generation(store).statistics_items, generation(store).vectors) == (10, 10)
    assert store.manifest.statistics != means
    assert [*verify(store.folder, sources=False)] == []


def test_segments_of_a_few_are_made_anew_with_the_means_of_many(store: LocalStore) -> None:
    store.add(random_batch(store.manifest, keys(20)))
    store.maintain()
    means = store.manifest.statistics
    store.remove(keys(15))
    assert store.maintain()
    assert (generation(store).statistics_items, generation(store).vectors) == (20, 5)
    assert store.manifest.statistics == means
    store.add(random_batch(store.manifest, keys(10, 100)))
    assert store.maintain()
    assert generation(store).statistics_items == 15


def test_a_sweep_that_fails_keeps_no_generation_from_being_made(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise OSError("an original cannot be removed")

    monkeypatch.setattr(store, "sweep", fails)
    made = Event()
    monkeypatch.setattr(Upkeep, "_make", lambda self: store.maintain() and made.set())
    store.add(random_batch(store.manifest, keys(10)))
    upkeep = Upkeep(store)
    upkeep.start()
    try:
        assert made.wait(30)
    finally:
        upkeep.close()
    assert "an original cannot be removed" in caplog.text


def test_folders_among_the_originals_are_left_alone(store: LocalStore) -> None:
    store.add(kept_batch(store.manifest, ["a"]))
    (folder,) = (store.folder / "media").iterdir()
    (folder / "@eaDir").mkdir()
    (folder / "stray.png").write_bytes(b"left")
    store.sweep()
    assert {path.name for path in folder.iterdir() if path.suffix != ".txt"} == {"@eaDir"}


def test_a_copy_of_the_manifest_that_a_crash_left_newer_is_put_right(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(random_batch(store.manifest, keys(20)))
    store.maintain()
    before = store.manifest

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("indexer.manifest_file._write", killed)
        with pytest.raises(KeyboardInterrupt):
            store.rebuild()
    assert manifest_copy(store.catalog) != before
    store.sweep()
    assert manifest_copy(store.catalog) == before
    write_manifest(store.folder, before)
    assert [*verify(store.folder, sources=False)] == []


def test_room_of_everything_that_was_removed_is_given_back_however_much_it_is(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.change_log._REMEMBERED", 5)
    store.add(random_batch(store.manifest, keys(30)))
    store.rebuild()
    gone = [item.slot for item in store.items()][:20]
    store.remove(keys(20))
    for _ in range(2):
        store.rebuild()
    for file in store.pool_files.values():
        assert not file.read(np.array(gone)).any()
    assert store.catalog.number("SELECT count(*) FROM changes") == 5, "and then it is forgotten"
