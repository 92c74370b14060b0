"""Immutable FAISS segments: vectors of one space under their slots, never changed once written."""

import errno
import os
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.effort import candidates_for, search_parameters
from indexer.errors import IndexFolderError
from indexer.factory import METRICS
from indexer.files import write_durably
from indexer.half import Halves, as_index, map_halves, write_halves
from indexer.planning import NEIGHBOURS
from indexer.spaces import Metric, Slots
from indexer.tuning import Tuning
from models.extraction import Vectors


class Segment:
    """One FAISS index whose rows stand for slots.

    What is coded coarsely has ``halves``, its (count, d) vectors in half precision, which rank
    again what the index finds, and a tuning that says how many of it.
    """

    def __init__(
        self,
        index: faiss.Index,
        slots: Slots,
        metric: Metric,
        tuning: Tuning | None = None,
        halves: Halves | None = None,
        owner: object = None,
    ) -> None:
        self._index, self._metric = index, metric
        self._owner = owner  # of the index, if Python's own reference to it is not
        # Half the memory for as many slots as an index ever has, but for the longest-lived.
        narrow = not len(slots) or slots.max() <= np.iinfo(np.int32).max
        self._slots = slots.astype(np.int32) if narrow else slots
        self.tuning, self.halves = tuning, halves
        self._mask: tuple[NDArray[np.bool_], _Packed] | None = None
        self._refined = None if halves is None else _refined(index, halves, metric)

    @property
    def count(self) -> int:
        """How many vectors it holds, deleted ones included."""
        return int(self._index.ntotal)

    @property
    def is_exact(self) -> bool:
        """Whether a search looks at every vector, whole."""
        return isinstance(faiss.downcast_index(self._index), faiss.IndexFlat)

    @property
    def slots(self) -> Slots:
        """The slots it holds, row by row; a copy."""
        return self._slots.astype(np.int64)

    @cached_property
    def end(self) -> int:
        """The first slot past all those it holds."""
        return int(self._slots.max()) + 1 if len(self._slots) else 0

    @cached_property
    def vectors(self) -> Vectors | None:
        """The (count, d) vectors as searched, row by row of ``slots``, not to be written to; None
        if the index keeps something coarser."""
        return _flat_vectors(self._index)

    def rows_of(self, slots: Slots) -> NDArray[np.int32]:
        """Return (n,) rows of ``slots``, -1 for those that this segment does not hold."""
        table = self._rows
        known = slots < len(table)
        if known.all():
            return table[slots]
        rows: NDArray[np.int32] = np.where(known, table[np.where(known, slots, 0)], np.int32(-1))
        return rows

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        """The row of each slot, -1 where there is none; far faster to look up than to search."""
        table = np.full(max(self.end, 1), -1, np.int32)
        table[self._slots] = np.arange(len(self._slots), dtype=np.int32)
        return table

    def search(
        self, queries: Vectors, k: int, live: NDArray[np.bool_], *, lasting: bool = True
    ) -> tuple[Vectors, Slots]:
        """Return (q, k') similarities, falling, and their slots; -1 fills what is missing.

        ``live`` is a mask by slot: only slots that are True are found. One that is ``lasting``
        will be searched with again.
        """
        packed, share = self._kept(live) if lasting else _pack(live[self._slots])
        selector = None
        if packed is not None:
            # Made for each search: FAISS may write into it.
            selector = faiss.IDSelectorBitmap(len(packed), faiss.swig_ptr(packed))
        parameters = search_parameters(self._index, selector, k, share)
        k = min(k, self.count)
        if self._refined is None or self.tuning is None:
            distances, rows = self._index.search(queries, k, params=parameters)
        else:
            wanted = min(candidates_for(k, self.tuning.candidates, NEIGHBOURS), self.count)
            # Rounded up a little, so that FAISS, which rounds down, arrives at as many.
            refining = faiss.IndexRefineSearchParameters(
                k_factor=(wanted + 0.5) / k, base_index_params=parameters
            )
            distances, rows = self._refined.search(queries, k, params=refining)
        slots = np.where(rows >= 0, self._slots[rows], np.int64(-1))
        if self._metric == "l2":
            return -np.sqrt(np.maximum(distances, 0.0)), slots
        return np.clip(distances, -1.0, 1.0), slots

    def _kept(self, live: NDArray[np.bool_]) -> "_Packed":
        """Return the mask as bits by row; kept for the next search."""
        seen = self._mask
        if seen is None or seen[0] is not live:
            seen = self._mask = (live, _pack(live[self._slots]))
        return seen[1]

    def write(self, path: Path) -> None:
        """Write it to ``path``, durably, and its halves, if it has some, beside it."""
        if self.halves is not None:
            write_halves(halves_beside(path), self.halves)
        write_durably(path, self._write)

    def _write(self, path: Path) -> None:
        mapped = faiss.IndexIDMap(faiss.IndexFlatL2(self._index.d))
        owned = self._index.thisown
        mapped.index, mapped.ntotal = self._index, self.count
        mapped.metric_type = self._index.metric_type
        self._index.thisown = owned  # it is still this segment's to free
        faiss.copy_array_to_vector(self.slots, mapped.id_map)
        try:
            faiss.write_index(mapped, str(path))
        except RuntimeError as error:  # FAISS has no error of its own for a full disk
            full = os.strerror(errno.ENOSPC) in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path)) from error


_Packed = tuple[NDArray[np.uint8] | None, float]
"""A mask by row, as bits, None if it hides nothing, and the share that it lets pass."""


def read_segment(path: Path, metric: Metric, tuning: Tuning | None = None) -> Segment:
    """Return the segment in a file; raises IndexFolderError if FAISS cannot read it, or if its
    halves are lost."""
    try:
        mapped = faiss.read_index(str(path))
    except RuntimeError as error:
        raise IndexFolderError(f"{str(path)!r} is damaged: FAISS cannot read it") from error
    slots: Slots = faiss.vector_to_array(mapped.id_map)
    index = faiss.downcast_index(mapped.index)
    # The map would keep the slots once more, and a table to look them up by. An empty one frees the
    # index in its stead.
    owner = faiss.IndexIDMap(faiss.IndexFlatL2(index.d))
    owner.index, owner.own_fields, mapped.own_fields = index, True, False
    halves = None
    if tuning is not None and tuning.candidates:
        halves = map_halves(halves_beside(path), index.ntotal, index.d)
    return Segment(index, slots, metric, tuning, halves, owner)


def halves_beside(path: Path) -> Path:
    """Return where the halves of the segment in ``path`` lie."""
    return path.with_name(path.name.replace("segment-", "vectors-")).with_suffix(".f16")


def _pack(mask: NDArray[np.bool_]) -> _Packed:
    passing = int(np.count_nonzero(mask))
    if passing == len(mask):
        return None, 1.0
    return np.packbits(mask, bitorder="little"), passing / len(mask)


def _refined(index: faiss.Index, halves: Halves, metric: Metric) -> faiss.IndexRefine:
    """Return an index that ranks by ``metric`` what ``index`` finds by distance, whatever the
    metric: FAISS wants the two alike only when it puts them together."""
    refined = faiss.IndexRefine(index, as_index(halves, index.metric_type))
    again = as_index(halves, METRICS[metric])
    refined.refine_index, refined.metric_type = again, METRICS[metric]
    again.thisown = True
    refined.referenced_objects = [index, again]
    return refined


def _flat_vectors(index: faiss.Index) -> Vectors | None:
    """Return FAISS's own memory of whole vectors: no copy, so the index must stay alive."""
    inner = faiss.downcast_index(index)
    if isinstance(inner, faiss.IndexHNSW):
        inner = faiss.downcast_index(inner.storage)
    if not isinstance(inner, faiss.IndexFlat) or not inner.ntotal:
        return None
    flat = faiss.rev_swig_ptr(inner.get_xb(), inner.ntotal * inner.d)
    vectors: Vectors = flat.reshape(inner.ntotal, inner.d)
    return vectors
