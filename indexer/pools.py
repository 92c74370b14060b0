"""Raw pools on disk: one file a pool, a row of fixed stride a slot, memory-mapped to read."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexFolderError
from indexer.files import sync_folder
from indexer.holes import empty
from models.extraction import PoolName, RawPools, Vectors

POOLS = "pools"
PoolFormat = Literal["float16", "float32"]
Checksums = NDArray[np.uint32]
"""A CRC-32 a row."""
_SUFFIX: dict[PoolFormat, str] = {"float16": "f16", "float32": "f32"}


class PoolFile:
    """``pools/<block>-<pool>.f16``: rows of one pool by slot. Appending never moves a row."""

    def __init__(self, path: Path, channels: int, kind: PoolFormat) -> None:
        self.path, self.channels = path, channels
        self._dtype = np.dtype(kind)
        self.stride = channels * self._dtype.itemsize

    def rows(self) -> int:
        """Return how many whole rows the file holds."""
        return self.path.stat().st_size // self.stride if self.path.exists() else 0

    def write(self, slot: int, vectors: Vectors) -> Checksums:
        """Write (n, channels) ``vectors`` into rows ``slot``, ``slot`` + 1, … and sync them;
        return (n,) checksums.

        Raises IndexFolderError for values that the file's numbers cannot hold.
        """
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(vectors, dtype=self._dtype)
        if not np.isfinite(rows).all():
            raise IndexFolderError(
                f"pool {self.path.stem} has values that are not finite in {self._dtype}: "
                "the weights do not fit this backbone"
            )
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            _write_all(descriptor, memoryview(rows.tobytes()), slot * self.stride)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return _checksums(rows)

    def empty(self, slots: NDArray[np.int64]) -> None:
        """Make the rows of ``slots``, which rise, zeros, and give back the room they took."""
        slots = slots[slots < self.rows()]
        if not len(slots):
            return
        runs = np.split(slots, np.flatnonzero(np.diff(slots) > 1) + 1)
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            for run in runs:
                empty(descriptor, int(run[0]) * self.stride, (int(run[-1]) + 1) * self.stride)
        finally:
            os.close(descriptor)

    def checksums(self, slots: NDArray[np.int64]) -> Checksums:
        """Return (n,) checksums of the rows of ``slots`` as they are now."""
        return _checksums(self._stored(slots))

    def read(self, slots: NDArray[np.int64]) -> Vectors:
        """Return the rows of ``slots`` as (n, channels) float32.

        Raises IndexFolderError if the file is too short for them.
        """
        return np.asarray(self._stored(slots), dtype=np.float32)

    def _stored(self, slots: NDArray[np.int64]) -> NDArray[Any]:
        if not len(slots):
            return np.empty((0, self.channels), self._dtype)
        rows = self.rows()
        if int(slots.max()) >= rows:
            raise IndexFolderError(
                f"{str(self.path)!r} is damaged: it has {rows} rows, row {slots.max()} is asked for"
            )
        mapped = np.memmap(self.path, self._dtype, "r", shape=(rows, self.channels))
        found: NDArray[Any] = mapped[slots]
        return found


def _checksums(rows: NDArray[Any]) -> Checksums:
    return np.array([crc32(row) for row in np.ascontiguousarray(rows)], np.uint32)


def _joined(checksums: list[Checksums]) -> Checksums:
    # Little-endian wherever the index is made, since it may be moved.
    return np.stack(checksums, axis=1).astype("<u4")


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
        self._folder, self._named = folder, False

    def rows(self) -> int:
        """Return how many slots have a row in every file."""
        return min(file.rows() for file in self.files.values())

    def write(self, slot: int, pools: RawPools) -> Checksums:
        """Write rows of every pool from ``slot`` on; on return they are on the disk.

        Returns (n, pools) checksums, pools in the order of ``files``.
        """
        found = _joined([file.write(slot, pools[name]) for name, file in self.files.items()])
        if not self._named:
            # Whoever made the files may have been killed before their names were on the disk.
            sync_folder(self._folder)
            self._named = True
        return found

    def checksums(self, slots: NDArray[np.int64]) -> Checksums:
        """Return (n, pools) checksums of the rows of ``slots`` as they are now."""
        return _joined([file.checksums(slots) for file in self.files.values()])

    def empty(self, slots: NDArray[np.int64]) -> None:
        """Make the rows of ``slots``, which rise and which no item has any more, zeros."""
        for file in self.files.values():
            file.empty(slots)

    def damaged(
        self, slots: NDArray[np.int64], known: Mapping[int, bytes | None]
    ) -> dict[int, list[PoolName]]:
        """Return which pools of ``slots`` are not what was written, by slot.

        ``known`` has the checksums of slots, as bytes; None for those that have none. Raises
        IndexFolderError if a file is too short.
        """
        sealed = np.array([slot for slot in slots.tolist() if known.get(slot)], np.int64)
        if not len(sealed):
            return {}
        wanted = np.stack([np.frombuffer(known[slot] or b"", "<u4") for slot in sealed.tolist()])
        found: dict[int, list[PoolName]] = {}
        for at, (name, file) in enumerate(self.files.items()):
            for slot in sealed[file.checksums(sealed) != wanted[:, at]].tolist():
                found.setdefault(slot, []).append(name)
        return found

    def read(self, slots: NDArray[np.int64], names: Iterable[PoolName]) -> RawPools:
        """Return the rows of ``slots``, (n, channels) float32 a pool."""
        return {name: self.files[name].read(slots) for name in names}
