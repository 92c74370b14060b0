"""The local store: a folder with a SQLite catalog, raw pools, and derived FAISS segments."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import Catalog, Failure, Item
from indexer.errors import IndexBusyError, IndexFolderError
from indexer.files import digest_file, sync_folder
from indexer.generations import (
    Workshop,
    is_stale,
    next_generation,
    rebuild_segments,
    reference_vectors,
    remove_other_generations,
    store_reference,
    store_segments,
)
from indexer.lock import LOCK_NAME, writer_lock
from indexer.manifest import (
    FILE_NAME,
    DerivedFile,
    Manifest,
    read_manifest,
    write_manifest,
)
from indexer.pools import PoolStore
from indexer.segments import Segment, read_segment
from indexer.snapshot import Snapshot, SpaceSnapshot, live_mask, rows, scan
from indexer.spaces import Space
from indexer.store import Matches
from models.extraction import PoolName, RawPools, Vectors

log = logging.getLogger(__name__)
_CATALOG, _POOLS = "catalog.sqlite", "pools"
_BEFORE_MANIFEST = {
    *(_CATALOG + end for end in ("", "-wal", "-shm", "-journal")),
    *(_POOLS, LOCK_NAME, f".{FILE_NAME}.partial"),
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


class _SupersededError(Exception):
    """The generation being loaded is not the newest any more, and its files may be gone."""


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
                found = self._snapshot = self._snapshot or self._load_snapshot()
        return found

    def _load_snapshot(self) -> Snapshot:
        while True:
            with suppress(_SupersededError):
                return self._read_snapshot()

    def _read_snapshot(self) -> Snapshot:
        live = self.catalog.live_slots()
        if self.manifest.generation is None and len(live):
            raise IndexFolderError(
                f"index {str(self.folder)!r} is unfinished: {len(live)} items are stored, but the "
                "build was stopped before it ended; run the same `hueweave build` again"
            )
        covered = self.manifest.generation.slots if self.manifest.generation else 0
        newer = live[live >= covered]
        size = self.catalog.next_slot()
        spaces = {
            name: SpaceSnapshot(
                tuple(self._segments(space)) if name in self.manifest.indexed_spaces else (),
                self._delta(space, newer),
                self._reference(space, live),
            )
            for name, space in self.manifest.spaces.items()
        }
        return Snapshot(live_mask(live, size), spaces)

    def _delta(self, space: Space, newer: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.int64]]:
        if not len(newer) or not space.ready:
            return np.empty((0, 0), np.float32), newer[:0]
        return space.transform(self._pools.read(newer, space.pools)), newer

    def _segments(self, space: Space) -> list[Segment]:
        if self.manifest.generation is None:
            return []
        files = self.manifest.generation.segments[space.name]
        try:
            return [self._verified(file, space) for file in files]
        except IndexFolderError as error:
            self._check_newest()
            log.warning("%s; making it again from raw pools", error)
        segments = rebuild_segments(self._shop, self.manifest, space.name)
        self._keep(lambda newest: store_segments(self._shop, newest, space.name, segments))
        return segments

    def _verified(self, file: DerivedFile, space: Space) -> Segment:
        check_derived(self.folder, file)
        return read_segment(self.folder / file.path, space.metric)

    def _reference(self, space: Space, live: NDArray[np.int64]) -> Vectors:
        generation = self.manifest.generation
        if generation is None or space.name not in generation.references:
            return np.empty((0, 0), np.float32)
        file = generation.references[space.name]
        try:
            check_derived(self.folder, file)
            vectors: Vectors = np.load(self.folder / file.path).astype(np.float32)
            return vectors
        except (IndexFolderError, OSError, ValueError) as error:
            self._check_newest()
            log.warning("%s; drawing the sample again from raw pools", error)
        vectors = reference_vectors(self._shop, space, live[live < generation.slots])
        self._keep(lambda newest: store_reference(self._shop, newest, space.name, vectors))
        return vectors

    def _check_newest(self) -> None:
        """Raise _Superseded if files are missing because a newer generation took their place."""
        newest = read_manifest(self.folder)
        if newest.generation != self.manifest.generation:
            self.manifest = newest
            raise _SupersededError

    def _keep(self, store: Callable[[Manifest], Manifest]) -> None:
        """Let ``store`` write a repaired file, unless somebody else is writing or has written."""
        try:
            with writer_lock(self.folder):
                newest = read_manifest(self.folder)
                if newest.generation == self.manifest.generation:
                    self.manifest = store(newest)
                    write_manifest(self.folder, self.manifest)
        except (IndexBusyError, IndexFolderError, OSError) as error:
            log.warning("what was made again stays in memory only: %s", error)

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


def check_derived(folder: Path, file: DerivedFile) -> None:
    """Raise IndexFolderError if a derived file is missing or its digest is another."""
    path = folder / file.path
    try:
        digest = digest_file(path)
    except FileNotFoundError:
        raise IndexFolderError(f"{str(path)!r} is missing") from None
    except OSError as error:
        raise IndexFolderError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    if digest != file.sha256:
        raise IndexFolderError(
            f"{str(path)!r} is damaged: its SHA-256 is {digest}, the manifest has {file.sha256}"
        )
