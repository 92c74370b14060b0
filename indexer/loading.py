"""Loading a snapshot: derived files by their digest, made again from raw pools where damaged."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.errors import IndexBusyError, IndexFolderError, UnfinishedIndexError
from indexer.files import digest_file
from indexer.generations import store_reference, store_segments
from indexer.lock import writer_lock
from indexer.manifest import DerivedFile, Manifest, read_manifest, write_manifest
from indexer.segments import Segment, read_segment
from indexer.snapshot import Found, Snapshot, SpaceSnapshot, live_mask
from indexer.spaces import Slots, Space
from indexer.workshop import Workshop
from models.extraction import Vectors

log = logging.getLogger(__name__)


class _SupersededError(Exception):
    """The generation being loaded is not the newest any more, and its files may be gone."""


class Loader:
    """Loads what searches read."""

    def __init__(self, shop: Workshop, manifest: Manifest) -> None:
        self.manifest = manifest
        self._shop, self._folder = shop, shop.folder

    def load(self, before: Snapshot | None = None) -> Snapshot:
        """Return the snapshot of the newest generation; raises IndexFolderError without one.

        What ``before`` has of the same generation is taken over and not read again.
        """
        while True:
            with suppress(_SupersededError):
                return self._read_snapshot(before)

    def _read_snapshot(self, before: Snapshot | None) -> Snapshot:
        live = self._shop.catalog.live_slots()
        if self.manifest.generation is None and len(live):
            raise UnfinishedIndexError(
                f"index {str(self._folder)!r} is unfinished: {len(live)} items are stored, but its "
                "first build has not ended; if it is not running, run it again to go on"
            )
        if before and before.manifest.generation == self.manifest.generation:
            spaces = {
                name: replace(before.spaces[name], delta=self._delta(space, live, before))
                for name, space in self.manifest.spaces.items()
            }
        else:
            spaces = {
                name: self._space(space, live) for name, space in self.manifest.spaces.items()
            }
        size = max(self._shop.catalog.next_slot(), int(live[-1]) + 1 if len(live) else 0)
        return Snapshot(self.manifest, live_mask(live, size), spaces)

    def _space(self, space: Space, live: Slots) -> SpaceSnapshot:
        indexed = space.name in self.manifest.indexed_spaces
        return SpaceSnapshot(
            tuple(self._segments(space)) if indexed else (),
            self._delta(space, live, None),
            self._reference(space, live),
        )

    def _delta(self, space: Space, live: Slots, before: Snapshot | None) -> Found:
        """Return vectors and slots of items newer than the segments, those of ``before`` first.

        A space without segments needs none: it is scanned whole.
        """
        covered = self.manifest.generation.slots if self.manifest.generation else 0
        known = before.spaces[space.name].delta if before else None
        start = int(known[1][-1]) + 1 if known is not None and len(known[1]) else covered
        newer = live[live >= start]
        if space.name not in self.manifest.indexed_spaces or not space.ready or not len(newer):
            return known or (np.empty((0, 0), np.float32), live[:0])
        parts = [vectors for _, vectors in self._shop.vectors(space, newer)]
        if known is None or not len(known[1]):
            return np.concatenate(parts), newer
        return np.concatenate([known[0], *parts]), np.concatenate([known[1], newer])

    def _segments(self, space: Space) -> list[Segment]:
        if self.manifest.generation is None:
            return []
        files = self.manifest.generation.segments[space.name]
        try:
            return [self._verified(file, space) for file in files]
        except IndexFolderError as error:
            self._check_newest()
            log.warning("%s; making it again from raw pools", error)
        segments = self._shop.covered_segments(self.manifest, space)
        self._keep(lambda newest: store_segments(self._shop, newest, space.name, segments))
        return segments

    def _verified(self, file: DerivedFile, space: Space) -> Segment:
        check_derived(self._folder, file)
        return read_segment(self._folder / file.path, space.metric)

    def _reference(self, space: Space, live: Slots) -> Vectors:
        generation = self.manifest.generation
        if generation is None or space.name not in generation.references:
            return np.empty((0, 0), np.float32)
        file = generation.references[space.name]
        try:
            check_derived(self._folder, file)
            vectors: Vectors = np.load(self._folder / file.path).astype(np.float32)
            return vectors
        except (IndexFolderError, OSError, ValueError) as error:
            self._check_newest()
            log.warning("%s; drawing the sample again from raw pools", error)
        vectors = self._shop.reference(space, live[live < generation.slots])
        self._keep(lambda newest: store_reference(self._shop, newest, space.name, vectors))
        return vectors

    def _check_newest(self) -> None:
        """Raise _Superseded if files are missing because a newer generation took their place."""
        newest = read_manifest(self._folder)
        if newest.generation != self.manifest.generation:
            self.manifest = newest
            raise _SupersededError

    def _keep(self, store: Callable[[Manifest], Manifest]) -> None:
        """Let ``store`` write a repaired file, unless somebody else is writing or has written."""
        try:
            with writer_lock(self._folder):
                newest = read_manifest(self._folder)
                if newest.generation == self.manifest.generation:
                    self.manifest = store(newest)
                    write_manifest(self._folder, self.manifest)
        except (IndexBusyError, IndexFolderError, OSError) as error:
            log.warning("what was made again stays in memory only: %s", error)


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
