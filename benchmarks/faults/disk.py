"""A disk that forgets: it keeps what was synced, and of all else as much as it likes.

The bytes of a file count once it was synced, a name once its folder was: less is not promised.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.trace import Call

Chance = Callable[[], bool]
"""Whether something that was not synced is there all the same."""


@dataclass
class File:
    """Bytes on the disk, and what was written since without being synced: (place, offset, bytes),
    or (place, size, None) for a file cut or grown to a size."""

    kept: bytes = b""
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)

    def sync(self, before: int) -> None:
        """Keep what was written before a place in the trace."""
        self.kept = _written(self.kept, [one for one in self.pending if one[0] < before])
        self.pending = [one for one in self.pending if one[0] >= before]

    @property
    def waits(self) -> bool:
        """Whether bytes wait to be synced."""
        return any(some is None or any(some) for _, _, some in self.pending)

    def after(self, chance: Chance) -> bytes:
        """Return the bytes that are there once the power is back."""
        return _written(self.kept, [one for one in self.pending if chance()])


@dataclass
class Folder:
    """Names on the disk, and names now; ``pending`` are changes, each whole or not at all."""

    kept: dict[str, "File | Folder"] = field(default_factory=dict)
    now: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[tuple[int, dict[str, "File | Folder | None"]]] = field(default_factory=list)

    def change(self, place: int, names: dict[str, "File | Folder | None"]) -> None:
        """Give names to something, or (None) take them away."""
        _rename(self.now, names)
        self.pending.append((place, names))

    def sync(self, before: int) -> None:
        """Keep the names that were changed before a place in the trace."""
        for place, names in self.pending:
            if place < before:
                _rename(self.kept, names)
        self.pending = [one for one in self.pending if one[0] >= before]

    @property
    def waits(self) -> bool:
        """Whether names wait to be synced."""
        return bool(self.pending)

    def after(self, chance: Chance) -> dict[str, "File | Folder"]:
        """Return the names that are there once the power is back."""
        found = dict(self.kept)
        for _, names in self.pending:
            if chance():
                _rename(found, names)
        return found


@dataclass
class _Opened:
    """What descriptors stand for; ``at`` is where the next write goes."""

    one: File | Folder
    path: Path
    at: int = 0


class Disk:
    """Everything below a folder that was empty, as calls of a process change it."""

    def __init__(self, root: Path) -> None:
        self._root, self.top = root, Folder()
        self._open: dict[int, _Opened] = {}

    def apply(self, call: Call) -> None:
        """Follow one call. Raises NotImplementedError for one that it cannot follow."""
        act = getattr(self, f"_{call.name}", None)
        if act is not None:
            act(call)
        elif any(one.isdigit() and int(one) in self._open for one in call.plain[:3]):
            raise NotImplementedError(f"{call.name} on a file of the index")

    def restore(self, target: Path, chance: Chance) -> None:
        """Write to ``target`` what is there once the power is back."""
        _restore(self.top, target, chance)

    def unsynced(self, start: str) -> list[str]:
        """Return paths of files below ``start`` with bytes, and folders with names, not synced.

        Holes do not count: they belong to nobody any more.
        """
        return [path for path, one in _walk(self.top, "") if path.startswith(start) and one.waits]

    # --- calls -----------------------------------------------------------------------------------

    def _openat(self, call: Call) -> None:
        found = self._find(self._path(call.plain[0], call.texts[0]))
        if found is None:
            return
        parent, name, path = found
        one = parent.now.get(name) if name else self.top
        if one is None:
            one = File()
            parent.change(call.ended, {name: one})
        if "O_TRUNC" in call.plain[2] and isinstance(one, File):
            one.pending.append((call.ended, 0, None))
        if "O_APPEND" in call.plain[2]:
            raise NotImplementedError("appending to a file of the index")
        self._open[call.result] = _Opened(one, path)

    def _close(self, call: Call) -> None:
        self._open.pop(int(call.plain[0]), None)

    def _fcntl(self, call: Call) -> None:
        if "F_DUPFD" in call.plain[1] and (opened := self._opened(call)):
            self._open[call.result] = opened

    def _lseek(self, call: Call) -> None:
        if opened := self._opened(call):
            opened.at = call.result

    def _write(self, call: Call) -> None:
        if opened := self._opened(call):
            self._put(opened, call, opened.at)
            opened.at += call.result

    def _pwrite64(self, call: Call) -> None:
        if opened := self._opened(call):
            self._put(opened, call, int(call.plain[3]))

    def _put(self, opened: _Opened, call: Call, offset: int) -> None:
        assert isinstance(opened.one, File)
        opened.one.pending.append((call.ended, offset, call.texts[0][: call.result]))

    def _ftruncate(self, call: Call) -> None:
        if (opened := self._opened(call)) and isinstance(opened.one, File):
            opened.one.pending.append((call.ended, int(call.plain[1]), None))

    def _fallocate(self, call: Call) -> None:
        opened = self._opened(call)
        if opened is None or opened.path.name.endswith("-shm"):
            return
        if "PUNCH_HOLE" not in call.plain[1]:
            raise NotImplementedError(f"fallocate on {str(opened.path)!r}")
        assert isinstance(opened.one, File)
        opened.one.pending.append((call.ended, int(call.plain[2]), bytes(int(call.plain[3]))))

    def _fsync(self, call: Call) -> None:
        if opened := self._opened(call):
            opened.one.sync(call.begun)  # what another thread writes meanwhile may come too late

    _fdatasync = _fsync

    def _mkdir(self, call: Call) -> None:
        if (found := self._find(self._path("AT_FDCWD", call.texts[0]))) and found[1]:
            found[0].change(call.ended, {found[1]: Folder()})

    def _unlink(self, call: Call) -> None:
        self._drop(call, self._path("AT_FDCWD", call.texts[0]))

    _rmdir = _unlink

    def _unlinkat(self, call: Call) -> None:
        self._drop(call, self._path(call.plain[0], call.texts[0]))

    def _drop(self, call: Call, path: Path) -> None:
        if found := self._find(path):
            found[0].change(call.ended, {found[1]: None})

    def _rename(self, call: Call) -> None:
        old, new = (self._find(self._path("AT_FDCWD", one)) for one in call.texts)
        if old or new:
            assert old is not None
            assert new is not None
            assert old[0] is new[0], "renamed to another folder"
            old[0].change(call.ended, {old[1]: None, new[1]: old[0].now[old[1]]})

    def _link(self, call: Call) -> None:
        old, new = (self._find(self._path("AT_FDCWD", one)) for one in call.texts)
        if old or new:
            assert old is not None
            assert new is not None
            new[0].change(call.ended, {new[1]: old[0].now[old[1]]})

    def _opened(self, call: Call) -> _Opened | None:
        return self._open.get(int(call.plain[0]))

    def _path(self, folder: str, text: bytes) -> Path:
        opened = self._open.get(int(folder)) if folder.isdigit() else None
        return (opened.path if opened else Path("/")) / text.decode()

    def _find(self, path: Path) -> tuple[Folder, str, Path] | None:
        """Return the folder a path is in, its name there ("": the root), and the path itself."""
        if not path.is_relative_to(self._root):
            return None
        *folders, name = path.relative_to(self._root).parts or ("",)
        at = self.top
        for one in folders:
            step = at.now.get(one)
            assert isinstance(step, Folder), f"{path} lies in no folder that was seen being made"
            at = step
        return at, name, path


def _rename(names: dict[str, File | Folder], change: dict[str, File | Folder | None]) -> None:
    for name, one in change.items():
        if one is None:
            names.pop(name, None)
        else:
            names[name] = one


def _written(data: bytes, changes: list[tuple[int, int, bytes | None]]) -> bytes:
    found = bytearray(data)
    for _, at, some in changes:
        size = at if some is None else max(len(found), at + len(some))
        found = found[:size].ljust(size, b"\0")
        if some is not None:
            found[at : at + len(some)] = some
    return bytes(found)


def _walk(folder: Folder, path: str) -> list[tuple[str, File | Folder]]:
    found: list[tuple[str, File | Folder]] = [(path or ".", folder)]
    for name, one in folder.now.items():
        inner = f"{path}/{name}" if path else name
        found += _walk(one, inner) if isinstance(one, Folder) else [(inner, one)]
    return found


def _restore(folder: Folder, target: Path, chance: Chance) -> None:
    target.mkdir(exist_ok=True)
    for name, one in folder.after(chance).items():
        if isinstance(one, Folder):
            _restore(one, target / name, chance)
        elif not name.endswith("-shm"):  # memory shared by processes: made anew by the first
            (target / name).write_bytes(one.after(chance))
