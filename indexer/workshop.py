"""Making what searches read out of raw pools: vectors, segments and reference samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.catalog import Catalog
from indexer.manifest import Manifest
from indexer.pools import PoolStore
from indexer.segments import Segment, build_segment
from indexer.spaces import Slots, Space, iterate
from models.extraction import RawPools, Vectors

REFERENCE_SIZE = 4096


@dataclass(frozen=True)
class Workshop:
    """An index folder with its catalog and pools. Nothing here depends on derived files."""

    folder: Path
    catalog: Catalog
    pools: PoolStore

    def raw(self, space: Space, slots: Slots) -> Iterator[RawPools]:
        """Yield the raw pools of a space in runs."""
        for run in iterate(slots):
            yield self.pools.read(run, space.pools)

    def vectors(self, space: Space, slots: Slots) -> Iterator[tuple[Slots, Vectors]]:
        """Yield (slots, (n, d) vectors) of a space in runs."""
        for run in iterate(slots):
            yield run, space.transform(self.pools.read(run, space.pools))

    def sample(self, space: Space, slots: Slots, size: int) -> Vectors:
        """Return the vectors of a fixed random sample of ``slots``, at most ``size`` of them."""
        random = np.random.default_rng(0)
        chosen = random.choice(slots, size=min(size, len(slots)), replace=False)
        return space.transform(self.pools.read(np.sort(chosen), space.pools))

    def reference(self, space: Space, slots: Slots) -> Vectors:
        """Return the sample that scores are counted against, rounded to float16 as it is stored."""
        return self.sample(space, slots, REFERENCE_SIZE).astype(np.float16).astype(np.float32)

    def segment(self, manifest: Manifest, space: Space, slots: Slots) -> Segment:
        """Return a segment of ``slots``, of the manifest's index type."""
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
        slots = live[live < covered]
        return [self.segment(manifest, space, slots)] if len(slots) else []
