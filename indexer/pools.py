"""Raw pools on disk: one file a pool, a row of fixed stride a slot, memory-mapped to read."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexFolderError
from indexer.files import sync_folder
from models.extraction import PoolName, RawPools, Vectors

PoolFormat = Literal["float16", "float32"]
_SUFFIX: dict[PoolFormat, str] = {"float16": "f16", "float32": "f32"}


class PoolFile:
    """``pools/<block>-<pool>.f16``: rows of one pool by slot. Appending never moves a row."""

    def __init__(self, path: Path, channels: int, kind: PoolFormat) -> None:
        self.path, self.channels = path, channels
        self._dtype = np.dtype(kind)
        self._stride = channels * self._dtype.itemsize

    def rows(self) -> int:
        """Return how many whole rows the file holds."""
        return self.path.stat().st_size // self._stride if self.path.exists() else 0

    def write(self, slot: int, vectors: Vectors) -> None:
        """Write (n, channels) ``vectors`` into rows ``slot``, ``slot`` + 1, … and sync them.

        Raises IndexFolderError for values that the file's numbers cannot hold.
        """
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(vectors, dtype=self._dtype)
        if not np.isfinite(rows).all():
            raise IndexFolderError(
                f"pool {self.path.stem} has values that are not finite in {self._dtype}: "
                "the weights do not fit this backbone"
            )
        fresh = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            _write_all(descriptor, memoryview(rows.tobytes()), slot * self._stride)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_folder(self.path.parent)

    def read(self, slots: NDArray[np.int64]) -> Vectors:
        """Return the rows of ``slots`` as (n, channels) float32.

        Raises IndexFolderError if the file is too short for them.
        """
        if not len(slots):
            return np.empty((0, self.channels), np.float32)
        rows = self.rows()
        if int(slots.max()) >= rows:
            raise IndexFolderError(
                f"{str(self.path)!r} is damaged: it has {rows} rows, row {slots.max()} is asked for"
            )
        mapped = np.memmap(self.path, self._dtype, "r", shape=(rows, self.channels))
        return np.asarray(mapped[slots], dtype=np.float32)


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


class PoolStore:
    """All pool files of an index."""

    def __init__(
        self, folder: Path, channels: Mapping[PoolName, int], kind: PoolFormat = "float16"
    ) -> None:
        self.files = {
            name: PoolFile(folder / f"{name}.{_SUFFIX[kind]}", width, kind)
            for name, width in channels.items()
        }

    def rows(self) -> int:
        """Return how many slots have a row in every file."""
        return min(file.rows() for file in self.files.values())

    def write(self, slot: int, pools: RawPools) -> None:
        """Write rows of every pool from ``slot`` on; on return they are on the disk."""
        for name, file in self.files.items():
            file.write(slot, pools[name])

    def read(self, slots: NDArray[np.int64], names: Iterable[PoolName]) -> RawPools:
        """Return the rows of ``slots``, (n, channels) float32 a pool."""
        return {name: self.files[name].read(slots) for name in names}
