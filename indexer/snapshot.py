"""What a search reads: segments, a small exact delta and a mask of live slots, all immutable."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.manifest import Manifest
from indexer.segments import Segment
from indexer.spaces import Metric, Slots, Space, similarities
from models.extraction import Vectors

Found = tuple[Vectors, Slots]
"""(q, k) similarities, falling, and slots, -1 where there are fewer."""


@dataclass(frozen=True)
class SpaceSnapshot:
    """One space at one moment: segments, vectors newer than them, and the reference sample."""

    segments: tuple[Segment, ...]
    delta: Found
    reference: Vectors


@dataclass(frozen=True)
class Snapshot:
    """A whole index at one moment. Replaced as one reference, so that searches never mix two."""

    manifest: Manifest
    live: NDArray[np.bool_]
    spaces: Mapping[str, SpaceSnapshot]

    @property
    def live_slots(self) -> Slots:
        """The slots that hold an item, rising."""
        return np.flatnonzero(self.live)

    def search(self, space: Space, queries: Vectors, k: int) -> Found:
        """Return the ``k`` nearest of each of (q, d) ``queries`` in a space with segments."""
        state = self.spaces[space.name]
        parts = [segment.search(queries, k, self.live) for segment in state.segments]
        vectors, slots = state.delta
        alive = self.live[slots]
        if alive.any():
            values = similarities(queries, vectors[alive], space.metric)
            parts.append(_rank(values, slots[alive], k))
        return merge(parts, k, len(queries))


def scan(
    queries: Vectors, batches: Iterable[tuple[Slots, Vectors]], k: int, metric: Metric
) -> Found:
    """Return the exact ``k`` nearest of all ``batches``, holding no more than one at a time."""
    best: Found = (np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64))
    for slots, vectors in batches:
        ranked = _rank(similarities(queries, vectors, metric), slots, k)
        best = merge([best, ranked], k, len(queries))
    return best


def merge(parts: list[Found], k: int, count: int) -> Found:
    """Return the best ``k`` columns of several (q, kᵢ) results; ties go to the lower slot."""
    if not parts:
        return np.empty((count, 0), np.float32), np.empty((count, 0), np.int64)
    values = np.concatenate([part[0] for part in parts], axis=1)
    slots = np.concatenate([part[1] for part in parts], axis=1)
    values = np.where(slots < 0, -np.inf, values)
    order = np.lexsort((slots, -values))[:, :k]
    return np.take_along_axis(values, order, 1), np.take_along_axis(slots, order, 1)


def _rank(values: Vectors, slots: Slots, k: int) -> Found:
    """Return the best ``k`` of (q, n) ``values``; ``slots`` rise, so ties go to the lower one."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(values, order, 1), slots[order]


def live_mask(slots: Slots, size: int) -> NDArray[np.bool_]:
    """Return a (size,) mask that is True at ``slots``."""
    mask = np.zeros(size, dtype=np.bool_)
    mask[slots] = True
    return mask


def rows(found: Found) -> Iterator[tuple[Vectors, Slots]]:
    """Yield one query's similarities and slots at a time, without the fillers."""
    for values, slots in zip(*found, strict=True):
        there = slots >= 0
        yield values[there], slots[there]
