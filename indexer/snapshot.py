"""What a search reads: segments, a small exact delta and a mask of live slots, all immutable."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.manifest import Manifest
from indexer.segments import Segment
from indexer.spaces import Metric, Slots, Space, similarities
from models.extraction import Vectors

# Copying a row costs about as much as looking at so many in passing.
_GATHER = 4
Found = tuple[Vectors, Slots]
"""(q, k) similarities, falling, and slots, -1 where there are fewer."""


@dataclass(frozen=True)
class SpaceSnapshot:
    """One space at one moment: segments, vectors newer than them, and the reference sample."""

    segments: tuple[Segment, ...]
    delta: Found
    reference: Vectors

    @property
    def is_exact(self) -> bool:
        """Whether a search in it looks at every vector, whole."""
        return all(one.is_exact for one in self.segments)


@dataclass(frozen=True)
class Snapshot:
    """A whole index at one moment, ``change`` being the catalog's last by then. Replaced as one
    reference, so that searches never mix two."""

    manifest: Manifest
    live: NDArray[np.bool_]
    spaces: Mapping[str, SpaceSnapshot]
    change: int = 0

    def scans(self, space: Space) -> bool:
        """Return whether the vectors of a space lie in memory, to be looked at one by one."""
        return all(one.vectors is not None for one in self.spaces[space.name].segments)

    def similarities(self, space: Space, query: Vectors, slots: Slots) -> Vectors:
        """Return (n,) similarities of ``slots`` to (d,) ``query`` in a space that ``scans``."""
        state = self.spaces[space.name]
        found = np.full(len(slots), np.nan, np.float32)
        held: list[tuple[Vectors | None, NDArray[np.signedinteger[Any]]]] = [
            (one.vectors, one.rows_of(slots)) for one in state.segments
        ]
        newer, delta = state.delta
        if len(delta):
            held.append((newer, _positions(delta, slots)))
        for vectors, rows in held:
            here = np.flatnonzero(rows >= 0) if (rows < 0).any() else slice(None)
            some = rows[here]
            if vectors is None or not len(some):
                continue
            if len(some) * _GATHER > len(vectors):  # to copy rows costs more than to look at all
                found[here] = similarities(query[None], vectors, space.metric)[0][some]
            else:
                found[here] = similarities(query[None], vectors[some], space.metric)[0]
        return found

    def search(
        self, space: Space, queries: Vectors, k: int, selected: NDArray[np.bool_] | None = None
    ) -> Found:
        """Return the ``k`` nearest of each of (q, d) ``queries`` in a space with segments.

        ``selected`` is a mask by slot of those that may be found; None: all that are live.
        """
        state = self.spaces[space.name]
        mask, lasting = (self.live, True) if selected is None else (selected, False)
        parts = [one.search(queries, k, mask, lasting=lasting) for one in state.segments]
        vectors, slots = state.delta
        alive = mask[slots]
        if alive.any():
            values = similarities(queries, vectors[alive], space.metric)
            parts.append(rank(values, slots[alive], k))
        return merge(parts, k, len(queries))


def _positions(delta: Slots, slots: Slots) -> NDArray[np.int64]:
    """Return where ``slots`` stand in the rising ``delta``, -1 where they do not."""
    at = np.minimum(np.searchsorted(delta, slots), len(delta) - 1)
    return np.where(delta[at] == slots, at, -1)


def scan(
    queries: Vectors, batches: Iterable[tuple[Slots, Vectors]], k: int, metric: Metric
) -> Found:
    """Return the exact ``k`` nearest of all ``batches``, holding no more than one at a time."""
    best: Found = (np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64))
    for slots, vectors in batches:
        ranked = rank(similarities(queries, vectors, metric), slots, k)
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


def rank(values: Vectors, slots: Slots, k: int) -> Found:
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
