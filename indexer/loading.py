"""Loading derived files: by their digest, made again from raw pools where they are damaged."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexBusyError, IndexFolderError
from indexer.files import digest_file
from indexer.generations import store_reference, store_segments
from indexer.lock import WriterLease
from indexer.manifest import DerivedFile, Manifest, SegmentFile
from indexer.manifest_file import read_manifest, write_manifest
from indexer.segments import Segment, read_segment
from indexer.spaces import Slots, Space
from indexer.workshop import Workshop
from models.extraction import Vectors

log = logging.getLogger(__name__)


class _SupersededError(Exception):
    """The generation being loaded is not the newest any more, and its files may be gone."""


@dataclass(frozen=True)
class Derived:
    """What one generation has of each space: segments, and the sample scores are counted against.

    ``manifest`` is the generation's; of an index without one, spaces are provisional.
    """

    manifest: Manifest
    segments: Mapping[str, tuple[Segment, ...]]
    references: Mapping[str, Vectors]

    @property
    def covered(self) -> int:
        """The first slot that is in no segment."""
        return self.manifest.generation.slots if self.manifest.generation else 0

    def searchable(self, live: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the slots of ``live`` without those that should be in a segment and are not,
        because their pools are damaged."""
        found = live.copy()
        for segments in self.segments.values():
            if segments:
                held = np.zeros(max(self.covered, *(s.end for s in segments)), np.bool_)
                for segment in segments:
                    held[segment.slots] = True
                found[: self.covered] &= held[: self.covered]
        return found


class Loader:
    """Loads the derived files of a generation, and repairs them if it may."""

    def __init__(self, shop: Workshop, manifest: Manifest, lease: WriterLease) -> None:
        self.manifest = manifest
        self._shop, self._folder, self._lease = shop, shop.folder, lease

    def load(self) -> Derived:
        """Return what the newest generation has; raises IndexFolderError if it cannot be made."""
        while True:
            with suppress(_SupersededError):
                return self._load()

    def _load(self) -> Derived:
        generation = self.manifest.generation
        if generation is None:
            return Derived(self.manifest.provisional(), {}, {})
        live = self._shop.catalog.live_slots()
        covered = live[live < generation.slots]
        segments, references = {}, {}
        for name, space in self.manifest.spaces.items():
            indexed = name in self.manifest.indexed_spaces
            segments[name] = tuple(self._segments(space)) if indexed else ()
            references[name] = self._reference(space, covered)
        return Derived(self.manifest, segments, references)

    def _segments(self, space: Space) -> list[Segment]:
        assert self.manifest.generation is not None
        files = self.manifest.generation.segments[space.name]
        try:
            return [self._verified(file, space) for file in files]
        except IndexFolderError as error:
            self._check_newest()
            log.warning("%s; making it again from raw pools", error)
        segments = self._shop.covered_segments(self.manifest, space)
        self._keep(lambda newest: store_segments(self._shop, newest, space.name, segments))
        return segments

    def _verified(self, file: SegmentFile, space: Space) -> Segment:
        for one in file.files:
            check_derived(self._folder, one)
        return read_segment(self._folder / file.path, space.metric, file.tuning)

    def _reference(self, space: Space, covered: Slots) -> Vectors:
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
        vectors = self._shop.reference(space, self._shop.sound(covered))
        self._keep(lambda newest: store_reference(self._shop, newest, space.name, vectors))
        return vectors

    def _check_newest(self) -> None:
        """Raise _Superseded if files are missing because a newer generation took their place."""
        newest = read_manifest(self._folder, read_only=self._lease.read_only)
        if newest.generation != self.manifest.generation:
            self.manifest = newest
            raise _SupersededError

    def _keep(self, store: Callable[[Manifest], Manifest]) -> None:
        """Let ``store`` write a repaired file, unless somebody else is writing or has written."""
        turn = self._lease.manifest_turn
        if not turn.acquire(blocking=False):  # whoever has it may be waiting for this very view
            log.warning("what was made again stays in memory only: a generation is being made")
            return
        try:
            with self._lease.held():
                newest = read_manifest(self._folder)
                if newest.generation == self.manifest.generation:
                    self.manifest = store(newest)
                    write_manifest(self._folder, self.manifest, self._shop.catalog)
        except (IndexBusyError, IndexFolderError, OSError) as error:
            log.warning("what was made again stays in memory only: %s", error)
        finally:
            turn.release()


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
