"""One writer per index: an advisory lock with its owner's name, released by a crash too."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock

from indexer.errors import IndexBusyError, IndexFolderError, ReadOnlyError

LOCK_NAME = "writer.lock"
_LOOK_AGAIN_S = 0.001


class WriterLease:
    """The index's write lock as this process holds it: by any number of its threads at once.

    It is taken when the first of them begins and given back when the last has ended, so that
    processes that write a little at a time take turns.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder, self.read_only = folder, read_only
        # For threads that replace the manifest, which all may at once while they hold the lock.
        self.manifest_turn = RLock()
        self._guard = Lock()
        self._holders = 0
        self._descriptor: int | None = None

    @contextmanager
    def held(self, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the lock within the body, waiting up to ``wait_s`` for another process.

        Raises IndexBusyError naming the process that has it, ReadOnlyError for an index opened
        to be read, IndexFolderError for a folder that cannot be written to.
        """
        if self.read_only:
            raise ReadOnlyError(
                f"index {str(self._folder)!r} is open read-only: nothing can be written to it"
            )
        self._enter(wait_s)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            with self._guard:
                if self._descriptor is None:
                    try:
                        self._descriptor = _take(self._folder)
                    except IndexBusyError:
                        if time.monotonic() >= deadline:
                            raise
                if self._descriptor is not None:
                    self._holders += 1
                    return
            time.sleep(_LOOK_AGAIN_S)

    def _leave(self) -> None:
        with self._guard:
            self._holders -= 1
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


def _take(folder: Path) -> int:
    """Return the descriptor that holds the lock."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise IndexFolderError(
            f"cannot write to index {str(folder)!r}: {error.strerror}"
        ) from error
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
