"""The local store: a folder with a SQLite catalog, raw pools, and derived FAISS segments."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import Catalog, Failure, Item
from indexer.errors import IndexBusyError, IndexFolderError
from indexer.files import sync_folder
from indexer.generations import is_stale, next_generation, remove_other_generations
from indexer.loading import Loader
from indexer.lock import LOCK_NAME, writer_lock
from indexer.manifest import FILE_NAME, Manifest, read_manifest, write_manifest
from indexer.pools import PoolStore
from indexer.snapshot import Snapshot, rows, scan
from indexer.spaces import Space
from indexer.store import Matches
from indexer.workshop import Workshop
from models.extraction import PoolName, RawPools, Vectors

_CATALOG, _POOLS = "catalog.sqlite", "pools"
_BEFORE_MANIFEST = {
    *(_CATALOG + end for end in ("", "-wal", "-shm", "-journal")),
    *(_POOLS, LOCK_NAME, f".{FILE_NAME}.partial"),
    "lost+found",  # at the top of a file system of its own
}


def is_index(folder: Path) -> bool:
    """Return whether ``folder`` holds an index."""
    return (folder / FILE_NAME).is_file()


def check_can_create(folder: Path) -> None:
    """Raise IndexFolderError unless ``folder`` is absent, empty, or an index already."""
    if folder.is_dir() and not is_index(folder) and not _is_unfinished(folder):
        raise IndexFolderError(
            f"{str(folder)!r} is not an index and not empty: name a new or empty folder"
        )
    if folder.exists() and not folder.is_dir():
        raise IndexFolderError(f"{str(folder)!r} is a file: name a folder for the index")


def _is_unfinished(folder: Path) -> bool:
    """Return whether all there is comes from an index whose making was cut short."""
    return {found.name for found in folder.iterdir()} <= _BEFORE_MANIFEST and not any(
        (folder / _POOLS).glob("*")
    )


def create_index(folder: Path, manifest: Manifest) -> None:
    """Make an empty index in ``folder``; the manifest comes last, so it is whole or none."""
    check_can_create(folder)
    try:
        (folder / _POOLS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexFolderError(
            f"cannot make an index at {str(folder)!r}: {error.strerror}"
        ) from error
    with writer_lock(folder):
        if is_index(folder):
            raise IndexBusyError(
                f"{str(folder)!r} has just been made an index by another process: "
                "run the same command again to go on with it"
            )
        Catalog(folder / _CATALOG, writable=True).close()
        write_manifest(folder, manifest)
    sync_folder(folder.absolute().parent)


class LocalStore:
    """Implements ``CatalogStore`` on a folder. Searches may run in many threads."""

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.catalog = Catalog(folder / _CATALOG, writable=writable)
        self._pools = PoolStore(folder / _POOLS, self.manifest.pools, self.manifest.pool_format)
        self._shop = Workshop(folder, self.catalog, self._pools)
        self._snapshot: Snapshot | None = None
        self._loading = Lock()

    # --- reading -------------------------------------------------------------------------------

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

    def pools(self, slots: NDArray[np.int64], names: Sequence[PoolName]) -> RawPools:
        """Return raw pools, (n, channels) float32 each."""
        return self._pools.read(slots, names)

    def search(self, space: Space, queries: Vectors, k: int) -> list[Matches]:
        """Return the ``k`` nearest items of each row of (q, d) ``queries``.

        A space without segments is scanned exactly, from raw pools.
        """
        snapshot = self.snapshot
        indexed = space.name in self.manifest.indexed_spaces
        if indexed:
            found = snapshot.search(space.name, queries, k, space.metric)
        else:
            batches = self._shop.vectors(space, snapshot.live_slots)
            found = scan(queries, batches, k, space.metric)
        exact = not indexed or self.manifest.index_type == "Flat"
        return [Matches(slots, values, exact) for values, slots in rows(found)]

    def reference(self, space: Space) -> Vectors:
        """Return the (m, d) fixed reference sample that scores are counted against."""
        return self.snapshot.spaces[space.name].reference

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    # --- the snapshot --------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The state searches read, loaded on first use."""
        found = self._snapshot
        if found is None:
            with self._loading:
                found = self._snapshot = self._snapshot or self._load()
        return found

    def _load(self) -> Snapshot:
        loader = Loader(self._shop, self.manifest)
        found = loader.load()
        self.manifest = loader.manifest  # it may be newer, or name what was repaired
        return found

    # --- writing -------------------------------------------------------------------------------

    def add(
        self, items: Sequence[Item], pools: RawPools | None, failures: Iterable[Failure]
    ) -> None:
        """Store items with their pools' rows (in order) and failures, durably, as one step.

        Rows lie in the pool files, synced, before the commit that makes them real.
        """
        if items and pools is not None:
            self._pools.write(items[0].slot, pools)
        with self.catalog.transaction():
            self.catalog.put(items)
            self.catalog.put_failures(failures)

    def checkpoint(self) -> None:
        """Make a generation that covers every item, and drop the one before."""
        self.manifest = next_generation(self._shop, self.manifest)
        write_manifest(self.folder, self.manifest)
        remove_other_generations(self.folder, self.manifest)
        self._snapshot = None

    @property
    def stale(self) -> bool:
        """Whether there are items outside the newest generation, or too many of it are gone."""
        return is_stale(self.manifest, self.catalog.live_slots(), self.catalog.next_slot())
