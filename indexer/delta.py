"""Vectors of items newer than the segments: appended to as items come, searched exactly."""

import numpy as np

from indexer.snapshot import Found
from indexer.spaces import Slots
from models.extraction import Vectors

_ROOM = 64


class Delta:
    """Grows at its end only: what was lent out before stays as it was. One thread appends."""

    def __init__(self) -> None:
        self._vectors: Vectors = np.empty((0, 0), np.float32)
        self._slots: Slots = np.empty(0, np.int64)
        self._count = 0

    @property
    def found(self) -> Found:
        """(n, d) vectors and (n,) slots, rising."""
        return self._vectors[: self._count], self._slots[: self._count]

    def append(self, slots: Slots, vectors: Vectors) -> None:
        """Add (n, d) ``vectors`` of ``slots``, which lie past those there are."""
        if not len(slots):
            return
        end = self._count + len(slots)
        if end > len(self._slots):
            self._grow(max(end, 2 * len(self._slots), _ROOM), vectors.shape[1])
        self._vectors[self._count : end] = vectors
        self._slots[self._count : end] = slots
        self._count = end

    def _grow(self, size: int, width: int) -> None:
        vectors, slots = np.empty((size, width), np.float32), np.empty(size, np.int64)
        if self._count:
            vectors[: self._count] = self._vectors[: self._count]
        slots[: self._count] = self._slots[: self._count]
        self._vectors, self._slots = vectors, slots
