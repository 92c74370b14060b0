"""Making what searches read out of raw pools: vectors, segments and reference samples."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np

from indexer.catalog import Catalog
from indexer.errors import IndexFolderError, StoppedError
from indexer.factory import AUTO
from indexer.manifest import Manifest
from indexer.planning import parse_profile
from indexer.pools import PoolStore
from indexer.segment_making import Wanted, build_segment, build_tuned
from indexer.segments import Segment
from indexer.spaces import Slots, Space, iterate
from models.extraction import RawPools, Vectors

log = logging.getLogger(__name__)

_ENOUGH_FOR_STATISTICS = 50_000
REFERENCE_SIZE = 4096


@dataclass(frozen=True)
class Workshop:
    """An index folder with its catalog and pools. Nothing here depends on derived files."""

    folder: Path
    catalog: Catalog
    pools: PoolStore
    stopping: Event = field(default_factory=Event)

    def sound(self, slots: Slots) -> Slots:
        """Return ``slots``, which rise, without those whose rows of pools are not what was
        written, or are lost; raises IndexFolderError if none is left."""
        found = slots[slots < self.pools.rows()]
        found = np.setdiff1d(found, self.damaged(found), assume_unique=True)
        if len(slots) and not len(found):
            names = [f"{name} ({file.rows()} rows)" for name, file in self.pools.files.items()]
            raise IndexFolderError(
                f"the pools of all {len(slots)} items of {str(self.folder)!r} are damaged: "
                f"{', '.join(names)}; restore a backup, or build again from the pictures"
            )
        _warn(len(slots) - len(found))
        return found

    def damaged(self, slots: Slots) -> Slots:
        """Return those of ``slots``, which rise, whose rows of pools are not what was written;
        raises IndexFolderError for rows that are lost."""
        found = [
            np.array(sorted(self.pools.damaged(run, self.catalog.checksums(run))), np.int64)
            for run in self._runs(slots)
        ]
        return np.concatenate([slots[:0], *found])

    def without_damaged(self, slots: Slots) -> tuple[Slots, Slots]:
        """Return those of ``slots``, which rise, whose rows of pools are sound, and the others."""
        damaged = self.damaged(slots)
        _warn(len(damaged))
        return np.setdiff1d(slots, damaged, assume_unique=True), damaged

    def raw(self, space: Space, slots: Slots) -> Iterator[RawPools]:
        """Yield the raw pools of a space in runs."""
        for run in self._runs(slots):
            yield self.pools.read(run, space.pools)

    def fitted(self, space: Space, slots: Slots) -> Space:
        """Return ``space`` with the statistics of ``slots``, which rise: of all of them, or of so
        many, evenly spread, that more would change nothing."""
        step = -(-len(slots) // _ENOUGH_FOR_STATISTICS)
        return space.fitted(lambda: self.raw(space, slots[:: max(step, 1)]))

    def vectors(self, space: Space, slots: Slots) -> Iterator[tuple[Slots, Vectors]]:
        """Yield (slots, (n, d) vectors) of a space in runs."""
        for run in self._runs(slots):
            yield run, space.transform(self.pools.read(run, space.pools))

    def _runs(self, slots: Slots) -> Iterator[Slots]:
        for run in iterate(slots):
            if self.stopping.is_set():
                raise StoppedError("the index is being closed")
            yield run

    def sample(self, space: Space, slots: Slots, size: int) -> Vectors:
        """Return the vectors of a fixed random sample of ``slots``, at most ``size`` of them."""
        if not len(slots):
            return np.empty((0, 0), np.float32)
        random = np.random.default_rng(0)
        chosen = random.choice(slots, size=min(size, len(slots)), replace=False)
        return space.transform(self.pools.read(np.sort(chosen), space.pools))

    def reference(self, space: Space, slots: Slots) -> Vectors:
        """Return the sample that scores are counted against, rounded to float16 as it is stored."""
        return self.sample(space, slots, REFERENCE_SIZE).astype(np.float16).astype(np.float32)

    def segment(self, manifest: Manifest, space: Space, slots: Slots) -> Segment:
        """Return a segment of ``slots``, of the manifest's index type, or of one that suits."""
        if manifest.index_type == AUTO:
            return build_tuned(
                Wanted(parse_profile(manifest.profile), manifest.recall),
                space.metric,
                manifest.dimension(space),
                slots,
                lambda some: self.vectors(space, some),
                lambda some, size: self.sample(space, some, size),
                self.folder,
            )
        return build_segment(
            manifest.index_type,
            space.metric,
            manifest.dimension(space),
            self.vectors(space, slots),
            lambda size: self.sample(space, slots, size),
        )

    def covered_segments(self, manifest: Manifest, space: Space) -> list[Segment]:
        """Return the segments of the manifest's generation made again, with its frozen mean."""
        covered = manifest.generation.slots if manifest.generation else 0
        live = self.catalog.live_slots()
        slots = self.sound(live[live < covered])
        return [self.segment(manifest, space, slots)] if len(slots) else []


def _warn(damaged: int) -> None:
    if damaged:
        log.warning(
            "the pools of %d items are damaged: they are not found until they are embedded "
            "again; `hueweave verify` names them", damaged
        )  # fmt: skip
