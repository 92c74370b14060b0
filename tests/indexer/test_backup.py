"""A backup is whole, of one moment, and an index itself, whatever is written while it is taken."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from indexer import backup as module
from indexer.backup import back_up, restore
from indexer.errors import BackupError, IndexFolderError
from indexer.local import LocalStore
from indexer.manifest_file import read_manifest, write_manifest
from indexer.networks import network_path, read_network, write_network
from service.verify import verify
from tests.indexer.batches import kept_batch, random_batch
from tests.indexer.contents import answers


@pytest.fixture
def store(fake_index: Path):  # type: ignore[no-untyped-def]
    """An index of twenty pictures from a folder and three that it keeps itself."""
    with closing(LocalStore(fake_index)) as store:
        store.add(kept_batch(store.manifest, ["kept/a", "kept/b", "kept/c"]))
        yield store


def found(folder: Path) -> dict[str, list[object]]:
    with closing(LocalStore(folder, read_only=True)) as opened:
        return answers(opened.view())


def items(folder: Path) -> dict[str, object]:
    with closing(LocalStore(folder, read_only=True)) as opened:
        return {item.key: item for item in opened.items()}


def test_a_backup_holds_the_same_items_pools_originals_and_answers(
    store: LocalStore, tmp_path: Path
) -> None:
    saved = back_up(store, tmp_path / "saved")
    assert saved.items == 23
    assert items(tmp_path / "saved") == items(store.folder)
    assert [*verify(tmp_path / "saved", pictures=True)] == []
    assert found(tmp_path / "saved") == found(store.folder)
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {"catalog.sqlite", "manifest.json", "media", "pools", "spaces"}
    assert not [*tmp_path.glob(".*.partial")]


def test_a_network_of_the_index_s_own_is_in_its_backup(fake_index: Path, tmp_path: Path) -> None:
    write_network(fake_index, b"network")
    made = read_manifest(fake_index)
    digest = sha256(b"network").hexdigest()
    write_manifest(fake_index, replace(made, recipe=replace(made.recipe, quantized=digest)))
    with closing(LocalStore(fake_index)) as store:
        back_up(store, tmp_path / "saved")
        restore(tmp_path / "saved", tmp_path / "again")
        for folder in ("saved", "again"):
            assert read_network(tmp_path / folder, digest) == b"network"
            assert [*verify(tmp_path / folder)] == []
        network_path(fake_index, digest).write_bytes(b"netwerk")
        (found,) = verify(fake_index)
        assert "restore it from a backup" in found
        with pytest.raises(BackupError, match="is damaged"):
            back_up(store, tmp_path / "more")
    assert not (tmp_path / "more").exists()


def test_a_backup_opens_on_a_medium_that_cannot_be_written_to(
    store: LocalStore, tmp_path: Path
) -> None:
    back_up(store, tmp_path / "saved")
    before = {path: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    assert items(tmp_path / "saved") == items(store.folder)
    found(tmp_path / "saved")
    after = {path: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    assert after == before, "no log, no lock: nothing was written"


def test_what_is_restored_goes_on_as_an_index(store: LocalStore, tmp_path: Path) -> None:
    back_up(store, tmp_path / "saved")
    restore(tmp_path / "saved", tmp_path / "again")
    with closing(LocalStore(tmp_path / "again")) as again:
        again.add(kept_batch(again.manifest, ["kept/d", "kept/a"], seed=6))
        assert again.remove(["kept/b", "003.png"]) == 2
        again.checkpoint()
        assert again.count() == 22
    assert [*verify(tmp_path / "again", pictures=True)] == []
    assert len(items(tmp_path / "saved")) == 23, "the backup is as it was"


def test_a_backup_of_an_index_that_is_written_to_all_the_time_is_of_one_moment(
    store: LocalStore, tmp_path: Path
) -> None:
    """Each key is replaced in turn, so of any moment the versions differ by one at most."""
    keys, done = [f"turn/{n}" for n in range(6)], Event()
    store.add(kept_batch(store.manifest, keys, seed=100))

    def write() -> None:
        for seed in count(101):
            for key in keys:
                store.add(kept_batch(store.manifest, [key], seed=seed))
            store.remove(["passing"])
            store.add(kept_batch(store.manifest, ["passing"], seed=seed))
            if done.is_set():
                return

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            with closing(LocalStore(store.folder)) as reader:
                for at in range(5):
                    back_up(reader, tmp_path / f"saved-{at}")
        finally:
            done.set()
        writing.result()
    for at in range(5):
        there = items(tmp_path / f"saved-{at}")
        versions = [there[key].version for key in keys]  # type: ignore[attr-defined]
        assert max(versions) - min(versions) <= 1
        assert versions == sorted(versions, reverse=True)
        assert [*verify(tmp_path / f"saved-{at}", pictures=True)] == []


def test_originals_that_go_while_they_are_copied_go_from_the_backup_too(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = module._copy_pools

    def copy_while_others_write(*given):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(module, "_copy_pools", copy)
        copy(*given)
        store.remove(["kept/a"])
        store.add(kept_batch(store.manifest, ["kept/b"], seed=9))

    monkeypatch.setattr(module, "_copy_pools", copy_while_others_write)
    back_up(store, tmp_path / "saved")
    there = items(tmp_path / "saved")
    assert there == items(store.folder)
    assert "kept/a" not in there
    assert [*verify(tmp_path / "saved", pictures=True)] == []


def test_items_without_a_generation_are_saved(tmp_path: Path, store: LocalStore) -> None:
    shutil.rmtree(store.folder / "spaces")  # derived: made again when the backup is opened
    before = items(store.folder)
    back_up(store, tmp_path / "saved")
    assert items(tmp_path / "saved") == before
    with closing(LocalStore(tmp_path / "saved")) as saved:
        assert saved.view().count == 23


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_an_original_that_is_damaged_is_named_and_no_backup_is_left(
    store: LocalStore, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    kept = store.item("kept/b")
    assert kept is not None
    damage(store.locate(kept))
    with pytest.raises(BackupError, match="'kept/b' is damaged in the index"):
        back_up(store, tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir() if "saved" in path.name] == []


def test_damaged_pools_are_named_and_no_backup_is_left(store: LocalStore, tmp_path: Path) -> None:
    flip(store.folder / "pools" / "2-gap.f16")
    with pytest.raises(BackupError, match=r"'000\.png' is damaged in the index"):
        back_up(store, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_backup_that_was_stopped_is_no_backup(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            back_up(store, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    back_up(store, tmp_path / "saved")
    assert len(items(tmp_path / "saved")) == 23


def test_what_is_there_already_is_never_written_over(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    back_up(store, tmp_path / "saved")
    for target in (tmp_path / "full", tmp_path / "saved", store.folder):
        with pytest.raises(BackupError, match="is there already: name a new or empty folder"):
            back_up(store, target)
        with pytest.raises(BackupError, match="is there already"):
            restore(tmp_path / "saved", target)
    assert os.listdir(tmp_path / "full") == ["mine.txt"]


def test_a_folder_that_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(IndexFolderError, match="is not an index"):
        restore(tmp_path / "other", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_backup_lets_others_write(store: LocalStore, tmp_path: Path) -> None:
    with closing(LocalStore(store.folder)) as reader, store.lease.held():
        assert back_up(reader, tmp_path / "saved").items == 23
        store.add(random_batch(store.manifest, ["more"]))


def test_derived_files_that_a_newer_generation_replaced_meanwhile_are_in_the_backup(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = module._copy_pools

    def copy_while_a_generation_is_made(*given):  # type: ignore[no-untyped-def]
        copy(*given)
        store.rebuild()

    monkeypatch.setattr(module, "_copy_pools", copy_while_a_generation_is_made)
    back_up(store, tmp_path / "saved")
    assert [*verify(tmp_path / "saved", pictures=True)] == []
    assert items(tmp_path / "saved") == items(store.folder)
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {"catalog.sqlite", "manifest.json", "media", "pools", "spaces"}
    assert (tmp_path / "saved" / "catalog.sqlite").read_bytes()[18:20] == b"\x01\x01", "no log"


def test_originals_are_read_once_however_often_others_remove_some(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, keys = module._copy_media, ["kept/a", "kept/b"]

    def copy_while_others_remove(*given):  # type: ignore[no-untyped-def]
        if keys:
            store.remove([keys.pop()])
        return copy(*given)

    read: list[Path] = []
    digest = module.digest_file
    monkeypatch.setattr(module, "_copy_media", copy_while_others_remove)
    monkeypatch.setattr(module, "digest_file", lambda path: (read.append(path), digest(path))[1])
    assert back_up(store, tmp_path / "saved").items == 22
    assert len(read) == len(set(read)) == 2
    assert [*verify(tmp_path / "saved", pictures=True)] == []


def test_nothing_is_copied_into_itself(store: LocalStore, tmp_path: Path) -> None:
    back_up(store, tmp_path / "saved")
    with pytest.raises(BackupError, match="name a folder outside of it"):
        back_up(store, store.folder / "saved")
    with pytest.raises(BackupError, match="name a folder outside of it"):
        restore(tmp_path / "saved", tmp_path / "saved" / "again")
    assert not (tmp_path / "saved" / "again").exists()
