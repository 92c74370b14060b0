"""Whatever was not synced may be lost with the power: nothing acknowledged is.

The disk here is what was synced and nothing else: bytes of files, and names in folders. For
SQLite's own files, which it syncs out of sight of Python, its promise is taken; that it is asked
for it is checked. The long form, python -m benchmarks.faults.unsynced, takes nobody's word.
"""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.faults.checking import survivors
from benchmarks.faults.mix import Lane, Notes, State, applied, held, new_index, often, read_notes
from indexer import generations, local
from indexer.local import LocalStore
from indexer.media import Media
from indexer.pools import PoolStore
from models.errors import HueweaveError

pytestmark = pytest.mark.e2e

STEPS = 25
SQLITE = ("catalog.sqlite", "catalog.sqlite-wal")
Forgets = Callable[[Path], bool]


class Synced:
    """What was synced, by inode; ``forgets`` names what is not, though it was asked for."""

    def __init__(self, forgets: Forgets) -> None:
        self._forgets, self._sync = forgets, os.fsync
        self._files: dict[int, bytes] = {}
        self._folders: dict[int, dict[str, tuple[int, bool]]] = {}

    def fsync(self, descriptor: int) -> None:
        """Stands in for os.fsync."""
        path, found = Path(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor)
        if self._forgets(path.readlink()):
            return
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(path) as entries:
                names = {one.name: (one.inode(), one.is_dir()) for one in entries}
            self._folders[found.st_ino] = names
        else:
            self._files[found.st_ino] = path.read_bytes()

    def restore(self, index: Path, target: Path) -> None:
        """Set up at ``target`` what is left of an index."""
        self._restore(index.stat().st_ino, target)
        for name in SQLITE:
            if (index / name).exists():
                shutil.copy(index / name, target / name)

    def _restore(self, folder: int, target: Path) -> None:
        target.mkdir()
        for name, (inode, is_folder) in self._folders.get(folder, {}).items():
            if is_folder:
                self._restore(inode, target / name)
            else:
                (target / name).write_bytes(self._files.get(inode, b""))


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (generations, "ENOUGH"),
        (generations, "_MAX_SEGMENTS"),
        (local, "ENOUGH"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # undone afterwards
    often()


def problems_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgets: Forgets
) -> list[str]:
    """Return what is wrong after the power is cut between any two of many writes."""
    disk, notes = Synced(forgets), tmp_path / "notes"
    monkeypatch.setattr(os, "fsync", disk.fsync)
    index = new_index(tmp_path / "index")
    store = LocalStore(index)
    store.view()
    lane, problems = Lane(store, Notes(notes), 0, seed=6), list[str]()
    for step in range(STEPS):
        lane.step()
        store.maintain()
        state = State()
        for change in read_notes(notes.read_bytes().splitlines()).done:
            state = applied(state, change)
        left = tmp_path / f"left-{step}"
        disk.restore(index, left)
        try:
            problems += survivors(left, state, ())[1]
        except HueweaveError as error:
            problems.append(str(error))
    assert store.manifest.generation is not None
    assert store.manifest.generation.number > 2
    store.close()
    return problems


@pytest.mark.usefixtures("_often")
def test_a_power_cut_between_any_two_writes_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problems_after_a_power_cut(tmp_path, monkeypatch, lambda path: False) == []


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize(
    ("forgotten", "lost"),
    [
        (lambda path: path.suffix == ".f16", "is damaged: it has 0 rows"),
        (lambda path: path.name == "pools", "is damaged: it has 0 rows"),
        (lambda path: path.name.endswith(".png.partial"), "has changed"),
        (lambda path: path.parent.name == "media", "is lost"),
        (lambda path: path.name == "media", "is lost"),
    ],
    ids=["pools", "names of pools", "originals", "names of originals", "folders of originals"],
)
def test_each_sync_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: Forgets, lost: str
) -> None:
    problems = problems_after_a_power_cut(tmp_path, monkeypatch, forgotten)
    assert any(lost in one for one in problems), problems


def test_sqlite_is_asked_to_sync_every_commit(tmp_path: Path) -> None:
    store = LocalStore(new_index(tmp_path / "index"))
    connection = store.catalog.connection
    found = [
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("synchronous", "journal_mode")
    ]
    assert found == [(2,), ("wal",)]
    store.close()


@pytest.mark.parametrize("kind", [PoolStore, Media])
def test_names_that_a_killed_process_did_not_sync_are_synced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[object]
) -> None:
    disk, notes = Synced(lambda path: False), Notes(tmp_path / "notes")
    monkeypatch.setattr(os, "fsync", disk.fsync)
    index = new_index(tmp_path / "index")

    class Killed(BaseException):
        pass

    def kill(path: Path) -> None:
        raise Killed

    store = LocalStore(index)
    with monkeypatch.context() as patch:
        patch.setattr(f"{kind.__module__}.sync_folder", kill)
        patch.setattr("indexer.files.sync_folder", kill)
        patch.setattr("indexer.writing.Writer._drop_media", lambda *_: None)  # it is dead
        with pytest.raises(Killed):
            Lane(store, notes, 0, seed=5).add(["0/a"])
    store.close()
    store = LocalStore(index)
    Lane(store, notes, 0, seed=5).add(["0/a"])  # the same once more
    state = held(store)
    store.close()
    disk.restore(index, tmp_path / "left")
    assert survivors(tmp_path / "left", state, ())[1] == []
    assert list(state) == ["0/a"]
