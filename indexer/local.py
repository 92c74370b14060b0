"""The local store: a folder with a SQLite catalog, raw pools, and derived FAISS segments."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from indexer.catalog import Catalog
from indexer.columns import Columns
from indexer.engine import Batch, Embedded, Unreadable
from indexer.errors import IndexFolderError, UnfinishedIndexError
from indexer.generations import is_stale, next_generation, remove_other_generations
from indexer.loading import Loader
from indexer.local_view import LocalView
from indexer.lock import writer_lock
from indexer.manifest import FILE_NAME, Manifest, read_manifest, write_manifest
from indexer.pools import PoolStore
from indexer.records import Failure, Item
from indexer.sources import Source
from indexer.spaces import Slots
from indexer.staging import Staging
from indexer.workshop import Workshop
from models.extraction import PoolName, RawPools

log = logging.getLogger(__name__)

CATALOG, POOLS = "catalog.sqlite", "pools"
# A view is looked at for news at most this often; see `CatalogStore.view`.
_FRESH_S = 0.5
_OLD_S = 10.0
# How long one view with means that were taken anew since is kept for answers being paged through.
_KEPT_S = 900.0


class LocalStore:
    """Implements ``CatalogStore`` on a folder. Searches may run in many threads."""

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        self.folder = folder
        self._manifest = manifest = read_manifest(folder)
        self.catalog = Catalog(folder / CATALOG, writable=writable)
        self._pools = PoolStore(folder / POOLS, manifest.pools, manifest.pool_format)
        self.shop = Workshop(folder, self.catalog, self._pools)
        self.held = Columns(self.catalog)
        self._view: LocalView | None = None
        self._retired: tuple[LocalView, float] | None = None
        self._loading = Lock()
        self._looked = 0.0
        self._seen: object = None
        self._inode = (folder / CATALOG).stat().st_ino

    @property
    def manifest(self) -> Manifest:
        """The manifest of the newest view, or as it was when opened."""
        return self._view.manifest if self._view else self._manifest

    # --- reading -------------------------------------------------------------------------------

    def view(self, *, newest: bool = False) -> LocalView:
        """Return the index as it is, or was less than a second ago unless ``newest``.

        Raises IndexFolderError if it cannot be searched yet, or any more.
        """
        found = self._view
        if found and not newest and time.monotonic() - self._looked < _FRESH_S:
            return found
        # Whoever finds a view to answer from need not wait while another thread renews it, unless
        # it is from long ago.
        old = time.monotonic() - self._looked > _OLD_S
        if not self._loading.acquire(blocking=found is None or newest or old):
            assert found is not None
            return found
        try:
            self._renew()
        finally:
            self._loading.release()
        assert self._view is not None
        return self._view

    def _renew(self) -> None:
        before, seen = self._view, self._state()
        if before is None or seen != self._seen:
            try:
                loaded = Loader(self.shop, read_manifest(self.folder)).load(
                    before.snapshot if before else None
                )
                self._view = LocalView(loaded, self.shop, self.held)
            except UnfinishedIndexError:
                # A first build under way beside a server of the empty index: not yet.
                if before is None:
                    raise
        self._retire(before)
        self._seen, self._looked = seen, time.monotonic()

    def _retire(self, before: LocalView | None) -> None:
        """Keep a view with other means for a while: pages of its answers may still be asked for."""
        now = time.monotonic()
        if before and before.manifest.statistics != self.manifest.statistics:
            self._retired = before, now + _KEPT_S
        elif self._retired and self._retired[1] < now:
            self._retired = None

    def _state(self) -> object:
        """Return something that is another once the catalog or the manifest has changed."""
        try:
            manifest = (self.folder / FILE_NAME).stat()
            catalog = (self.folder / CATALOG).stat()
        except OSError as error:
            raise IndexFolderError(
                f"index {str(self.folder)!r} is gone: {error.strerror}"
            ) from error
        if catalog.st_ino != self._inode:  # the one that is open here is deleted
            raise IndexFolderError(
                f"index {str(self.folder)!r} was replaced by another: open it again"
            )
        return self.catalog.changes(), manifest.st_ino, manifest.st_mtime_ns

    def view_of(self, statistics: str) -> LocalView | None:
        """Return the newest view whose means are known by ``statistics``, if it is still kept."""
        newest, retired = self.view(), self._retired
        kept = [newest, retired[0]] if retired else [newest]
        return next((one for one in kept if one.manifest.statistics == statistics), None)

    def count(self) -> int:
        """Return how many items there are."""
        return self.catalog.count()

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        return self.catalog.item(key)

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot; those gone are missing."""
        return self.catalog.items_in(slots)

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key``."""
        return self.catalog.items_after(key, limit)

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key."""
        return self.catalog.items()

    def failures(self, limit: int = -1) -> list[Failure]:
        """Return pictures that could not be read, in order of key."""
        return self.catalog.failures(limit)

    def failure_count(self) -> int:
        """Return how many pictures could not be read."""
        return self.catalog.failure_count()

    def columns(self) -> dict[str, tuple[str, bool]]:
        """Return metadata columns: name to (type, whether indexed)."""
        return self.catalog.columns()

    def pools(self, slots: Slots, names: Sequence[PoolName]) -> RawPools:
        """Return raw pools, (n, channels) float32 each."""
        return self._pools.read(slots, names)

    def sizes(self) -> dict[str, int]:
        """Return bytes of the catalog, of raw pools and of what is derived from them."""
        parts = {"catalog": f"{CATALOG}*", "pools": f"{POOLS}/*", "spaces": "spaces/**/*"}
        return {
            part: sum(one.stat().st_size for one in self.folder.glob(pattern) if one.is_file())
            for part, pattern in parts.items()
        }

    def close(self) -> None:
        """Close the catalog; nobody may be reading any more."""
        self.catalog.close()

    # --- writing -------------------------------------------------------------------------------

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns and index those named."""
        with self.catalog.transaction():
            self.catalog.put_columns(columns, indexed)

    def stage(self, source: Source, *, retry: bool, tick: Callable[[int], None]) -> Staging:
        """Hold ``source`` against the catalog; with ``retry`` what failed before is tried again.

        Items whose pools are lost, their file being missing or cut short, count as changed.
        """
        lost = self.catalog.forget_files(from_slot=self._pools.rows())
        if lost:
            log.warning("the pools of %d items are lost: their pictures are read again", lost)
        return Staging(self.catalog, source, retry=retry, tick=tick)

    def add(self, batch: Batch) -> None:
        """Store a batch under the next free slots, durably, as one step.

        Rows lie in the pool files, synced, before the commit that makes them real.
        """
        start = self.catalog.next_slot()
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        items = [self._item(one, start + at, now) for at, one in enumerate(batch.embedded)]
        if items and batch.pools is not None:
            self._pools.write(start, batch.pools)
        with self.catalog.transaction():
            self.catalog.put(items)
            self.catalog.put_failures(_failure(one) for one in batch.unreadable)

    def checkpoint(self, starting: Callable[[], None] = lambda: None) -> None:
        """Make a generation that covers every item, if one is due, and drop the one before."""
        live, slots = self.catalog.live_slots(), self.catalog.next_slot()
        if not is_stale(self.manifest, live, slots):
            return
        starting()
        before = self._view
        self._manifest, self._view = next_generation(self.shop, self.manifest), None
        self._retire(before)
        write_manifest(self.folder, self._manifest)
        remove_other_generations(self.folder, self._manifest)

    def _item(self, one: Embedded, slot: int, now: str) -> Item:
        entry = one.work.entry
        before = self.item(entry.key)
        return Item(
            key=entry.key,
            version=before.version + 1 if before else 1,
            slot=slot,
            source=str(entry.path),
            digest=one.digest,
            size=one.size,
            mtime_ns=one.work.mtime_ns or 0,
            metadata=entry.metadata,
            added=now,
            palette=one.palette,
        )


def _failure(one: Unreadable) -> Failure:
    work = one.work
    return Failure(work.entry.key, str(work.entry.path), work.size, work.mtime_ns, one.reason)


@contextmanager
def open_for_writing(folder: Path) -> Iterator[LocalStore]:
    """Yield a store that may be written to; raises IndexBusyError if somebody else is writing."""
    with writer_lock(folder):
        store = LocalStore(folder, writable=True)
        try:
            yield store
        finally:
            store.close()
