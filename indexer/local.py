"""The local store: a folder with a SQLite catalog, raw pools, and derived FAISS segments."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer.catalog import Catalog
from indexer.database import full_disk_errors
from indexer.engine import Batch
from indexer.errors import IndexFolderError, UnfinishedIndexError
from indexer.feedback_table import FeedbackTable
from indexer.following import Follower
from indexer.generations import (
    ENOUGH,
    is_due,
    is_due_for,
    is_stale,
    next_generation,
    remove_other_generations,
)
from indexer.loading import Loader
from indexer.local_view import LocalView
from indexer.lock import WriterLease
from indexer.manifest import Manifest
from indexer.manifest_file import CATALOG, manifest_copy, read_manifest, write_manifest
from indexer.media import Media
from indexer.networks import NETWORKS
from indexer.pools import POOLS, PoolFile, PoolStore
from indexer.records import Failure, Item
from indexer.sources import Metadata, Source
from indexer.spaces import Slots, Space
from indexer.staging import Staging
from indexer.workshop import Workshop
from indexer.writing import Expected, Writer
from models.extraction import PoolName, RawPools

log = logging.getLogger(__name__)

# Processes that write a little at a time take turns; whoever writes for longer is named.
_PATIENCE_S = 5.0


class LocalStore:
    """Implements ``CatalogStore`` on a folder. Any thread may read and write.

    Other processes may read and write it, too: one at a time holds the lock, for as long as it
    writes; a store that is ``read_only`` never does.
    """

    def __init__(
        self, folder: Path, *, read_only: bool = False, patience_s: float = _PATIENCE_S
    ) -> None:
        self.folder = folder
        manifest = read_manifest(folder, read_only=read_only)
        self.catalog = Catalog(folder / CATALOG, read_only=read_only)
        self.media = Media(folder)
        self.lease = WriterLease(folder, read_only=read_only)
        self._pools = PoolStore(folder / POOLS, manifest.pools, manifest.pool_format)
        self.shop = Workshop(folder, self.catalog, self._pools)
        self._writer = Writer(self.catalog, self._pools, self.media, self.lease, patience_s)
        self.feedback = FeedbackTable(self.catalog, self._writer.writing)
        self._follower = Follower(self.shop, manifest, self.lease)
        self.on_write: Callable[[], None] = lambda: None

    @property
    def manifest(self) -> Manifest:
        """The newest manifest that was read."""
        return self._follower.manifest

    # --- reading -------------------------------------------------------------------------------

    def view(self, *, newest: bool = False) -> LocalView:
        """Return the index as it is, or was less than a second ago unless ``newest``.

        What this store wrote is always in it. Raises IndexFolderError if it cannot be searched
        yet, or any more.
        """
        return self._follower.view(newest=newest)

    def view_of(self, statistics: str) -> LocalView | None:
        """Return the newest view whose means are known by ``statistics``, if it is still kept."""
        return self._follower.view_of(statistics)

    def locate(self, item: Item) -> Path:
        """Return where an item's picture lies."""
        return self.media.locate(item.source)

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

    @property
    def pool_files(self) -> Mapping[PoolName, PoolFile]:
        """The files of raw pools."""
        return self._pools.files

    def damaged(self, slots: Slots) -> list[tuple[int, list[PoolName]]]:
        """Return those of ``slots``, which rise, whose rows of pools are not what was written,
        and in which pools."""
        return list(self._pools.damaged(slots, self.catalog.checksums(slots)).items())

    def sizes(self) -> dict[str, int]:
        """Return bytes of the catalog, of raw pools, of what is derived from them, of a network
        of the index's own, and of originals."""
        parts = {
            "catalog": f"{CATALOG}*",
            "pools": f"{POOLS}/*",
            "spaces": "spaces/**/*",
            "networks": f"{NETWORKS}/*",
            "media": "media/*/*",
        }
        return {
            part: sum(one.stat().st_size for one in self.folder.glob(pattern) if one.is_file())
            for part, pattern in parts.items()
        }

    def interrupt(self) -> None:
        """Let a generation that is being made end at once, unmade."""
        self.shop.stopping.set()

    def close(self) -> None:
        """Close the catalog; nobody may be reading or writing any more."""
        self._follower.close()
        self.catalog.close()

    # --- writing -------------------------------------------------------------------------------

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns and index those named."""
        self._writer.put_columns(columns, indexed)

    def stage(self, source: Source, *, retry: bool, tick: Callable[[int], None]) -> Staging:
        """Hold ``source`` against the catalog; with ``retry`` what failed before is tried again.

        Items whose pools are lost, their file being missing or cut short, count as changed.
        """
        lost = self.catalog.forget_files(from_slot=self._pools.rows())
        if lost:
            log.warning("the pools of %d items are lost: their pictures are read again", lost)
        drop = self._writer.release
        return Staging(self.catalog, source, retry=retry, tick=tick, drop=drop)

    def add(self, batch: Batch, expected: Expected | None = None) -> list[Item]:
        """Store a batch, its items, pools, originals and failures, durably, as one step; return
        its items. Raises ChangedError unless all is as ``expected``."""
        items = self._writer.add(batch, expected)
        self._follow()
        return items

    def declare(self, metadata: Iterable[Metadata]) -> None:
        """Record columns that ``metadata`` is the first to have; raises ColumnTypeError."""
        self._writer.declare(metadata)

    def relabel(
        self, changes: Mapping[str, Metadata], expected: Expected | None = None
    ) -> list[Item]:
        """Give items other metadata, durably, all or none; return them as they are now.

        Raises UnknownKeyError, or ChangedError unless all is as ``expected``.
        """
        items = self._writer.relabel(changes, expected)
        self._follow()
        return items

    def remove(self, keys: Sequence[str], expected: Expected | None = None) -> int:
        """Remove items, their originals and failures, durably; return how many items.

        Raises ChangedError unless all is as ``expected``.
        """
        removed = self._writer.remove(keys, expected)
        self._follow()
        return removed

    def checkpoint(self, starting: Callable[[], None] = lambda: None) -> None:
        """Make a generation that covers every item, if one is due, and drop the one before."""
        self._advance(is_stale, starting)

    def maintain(self) -> bool:
        """Make a generation if so much came or went that it is worth it, while others read and
        write; return whether one was made."""
        if self._follower.follows and not self._is_due():
            return False
        return self._advance(is_due, enough=ENOUGH)

    def _is_due(self) -> bool:
        """Return whether `maintain` is likely to have something to do: a look at memory only."""
        try:
            view = self.view()
        except UnfinishedIndexError:
            return True  # many came before there was a generation, and nobody can search them
        generation = view.manifest.generation
        slots = generation.slots if generation else 0
        covered = int(np.count_nonzero(view.mask[:slots]))
        return is_due_for(view.manifest, covered, int(np.count_nonzero(view.mask[slots:])))

    def rebuild(self) -> None:
        """Make statistics, samples and segments anew from raw pools, whatever there is of them."""
        self._writer.seal()
        self._advance(lambda *_: True, anew=True)

    def bind(self, attributes: Mapping[str, Space]) -> None:
        """Let each of ``attributes`` search in its space, from raw pools there are, as one step.

        Means, samples and segments are made anew. Raises UnknownNameError for a pool that is not
        stored, IndexTypeError for a space that the index type cannot search, IndexFolderError for
        an empty index.
        """
        with self.lease.held(long=True):
            if not self.count():
                raise IndexFolderError(
                    f"index {str(self.folder)!r} is empty: there is nothing to take means from"
                )
            self._writer.seal()
            self._advance(lambda *_: True, anew=True, bound=attributes)

    def sweep(self) -> None:
        """Remove what a crash left behind: originals without an item, other generations, a copy
        of the manifest that is not the manifest."""
        with self.lease.held(), self.lease.manifest_turn:
            manifest = read_manifest(self.folder)
            if manifest_copy(self.catalog) != manifest:
                write_manifest(self.folder, manifest, self.catalog)
            remove_other_generations(self.folder, manifest)
        self._writer.sweep()

    def _advance(
        self,
        wanted: Callable[[Manifest, Slots, int], bool],
        starting: Callable[[], None] = lambda: None,
        *,
        anew: bool = False,
        enough: int = 0,
        bound: Mapping[str, Space] | None = None,
    ) -> bool:
        held, no_room = self.lease.held(long=True), full_disk_errors(self.folder)
        with held, self.lease.manifest_turn, no_room:
            manifest = read_manifest(self.folder).with_attributes(bound or {})
            live, end = self.catalog.extent()
            if not wanted(manifest, live, end):
                return False
            starting()
            try:
                made = next_generation(self.shop, manifest, live, end, anew=anew, enough=enough)
            except BaseException:
                # On a full disk what there is of it would take the room of what is written next.
                remove_other_generations(self.folder, manifest)
                raise
            if not all(space.ready for space in made.spaces.values()):
                return False  # there was no item to take a mean from: it stays provisional
            write_manifest(self.folder, made, self.catalog)
            if self._follower.follows:
                self._follower.adopt(Loader(self.shop, made, self.lease).load())
            else:
                self._follower.manifest = made
            remove_other_generations(self.folder, made)
            self._writer.empty_pools()
            return True

    def _follow(self) -> None:
        """Let the very next search see what was written."""
        if self._follower.follows:
            try:
                self._follower.view(newest=True)
            except Exception:
                # It is written, whatever keeps the view from being renewed.
                log.exception("the view of %s cannot be renewed", self.folder)
        self.on_write()


@contextmanager
def open_for_writing(folder: Path) -> Iterator[LocalStore]:
    """Yield a store that holds the lock all the time.

    Raises IndexBusyError if somebody else is writing.
    """
    store = LocalStore(folder)
    try:
        with store.lease.held(long=True):
            yield store
    finally:
        store.close()
