"""One writer per index: an advisory lock with its owner's name, released by a crash too."""

import errno
import fcntl
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock, get_ident

from indexer.errors import IndexBusyError, IndexFolderError, ReadOnlyError

LOCK_NAME = "writer.lock"
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_LOOK_AGAIN_S = 0.001
_TURN_S = 0.5


class WriterLease:
    """The index's write lock as this process holds it: by any number of its threads at once.

    It is taken when the first of them begins and given back when the last has ended. So that
    processes that write a little at a time take turns, threads stop joining after a while and wait
    for their turn as another process would, unless it is held for ``long`` work, beside which all
    go on.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder, self.read_only = folder, read_only
        # For threads that replace the manifest, which all may at once while they hold the lock.
        self.manifest_turn = RLock()
        self._guard = Lock()
        self._holders: Counter[int] = Counter()
        self._long = 0
        self._since = 0.0
        self._descriptor: int | None = None

    @contextmanager
    def held(self, wait_s: float = 0.0, *, long: bool = False) -> Iterator[None]:
        """Hold the lock within the body, waiting up to ``wait_s`` for another process.

        What takes ``long`` lets other threads of this process write beside it.

        Raises IndexBusyError naming the process that has it, ReadOnlyError for an index opened
        to be read, IndexFolderError for a folder that cannot be written to.
        """
        if self.read_only:
            raise ReadOnlyError(
                f"index {str(self._folder)!r} is open read-only: nothing can be written to it"
            )
        self._enter(wait_s, long)
        try:
            yield
        finally:
            self._leave(long)

    def _enter(self, wait_s: float, long: bool) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            with self._guard:
                try:
                    if self._descriptor is None:
                        self._descriptor, self._since = _take(self._folder), time.monotonic()
                    if self._may_join():
                        self._holders[get_ident()] += 1
                        self._long += long
                        return
                except IndexBusyError:
                    if time.monotonic() >= deadline:
                        raise
            time.sleep(_LOOK_AGAIN_S)

    def _may_join(self) -> bool:
        fresh = time.monotonic() - self._since < _TURN_S
        return bool(not self._holders or self._long or fresh or get_ident() in self._holders)

    def _leave(self, long: bool) -> None:
        with self._guard:
            self._long -= long
            self._holders[get_ident()] -= 1
            if not self._holders[get_ident()]:
                del self._holders[get_ident()]
            if not self._holders and self._descriptor is not None:
                os.close(self._descriptor)  # closing releases the lock
                self._descriptor = None


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the index's write lock; raises IndexBusyError naming the process that holds it.

    Raises IndexFolderError for a folder that cannot be written to.
    """
    with WriterLease(folder).held():
        yield


@contextmanager
def undisturbed(folder: Path) -> Iterator[bool]:
    """Keep writers waiting within the body, which must be short; False if one is at it."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY)
    except OSError:  # nobody has ever written here
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        quiet = True
    except BlockingIOError:
        quiet = False
    try:
        yield quiet
    finally:
        os.close(descriptor)


def _take(folder: Path) -> int:
    """Return the descriptor that holds the lock."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        kind = ReadOnlyError if error.errno in _READ_ONLY else IndexFolderError
        raise kind(f"cannot write to index {str(folder)!r}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A full disk must not keep anybody from writing what makes room: the name is a courtesy.
        _sign(descriptor)
    except BlockingIOError:
        owner = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise IndexBusyError(
            f"index {str(folder)!r} is being written by {owner}: wait until it is done", owner
        ) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sign(descriptor: int) -> None:
    text = f"process {os.getpid()} on {socket.gethostname()}".encode()
    if os.pread(descriptor, 200, 0) == text:
        return
    try:
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
    except OSError:
        os.ftruncate(descriptor, 0)
