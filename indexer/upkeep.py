"""Upkeep of an index that is written to while it is searched, in a thread of its own."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from indexer.errors import IndexBusyError, StoppedError
from indexer.local import LocalStore

log = logging.getLogger(__name__)

# How soon it looks again if nothing is written here: other processes write, too, and what failed on
# a full disk, say, may be done by now.
_AGAIN_S = 30.0


class Upkeep:
    """Removes what a crash left behind, and makes generations as items come and go.

    Nobody waits for it, and what it is interrupted in is done again by the next.
    """

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._wake, self._stopping = Event(), Event()
        self._thread = Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin, and look again whenever something was written."""
        self._store.on_write = self._wake.set
        self._thread.start()

    def close(self) -> None:
        """Stop soon and wait for it."""
        self._stopping.set()
        self._store.interrupt()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        swept = False
        while True:
            self._wake.clear()
            if self._stopping.is_set():  # asked after the clearing, so that no call is missed
                return
            swept = swept or self._is_done(self._store.sweep)
            self._is_done(self._make)
            self._wake.wait(_AGAIN_S)

    def _is_done(self, chore: Callable[[], None]) -> bool:
        """Do it; return False if it is to be tried again."""
        try:
            chore()
        except (IndexBusyError, StoppedError):
            return False  # another process is at it, or it is closing
        except Exception:
            log.exception("upkeep of %s failed, and is tried again", self._store.folder)
            return False
        return True

    def _make(self) -> None:
        made, generation = self._store.maintain(), self._store.manifest.generation
        if made and generation is not None:
            log.info(
                "%s: generation %d, statistics taken from %d items",
                self._store.folder, generation.number, generation.statistics_items,
            )  # fmt: skip
