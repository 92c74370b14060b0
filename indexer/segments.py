"""Immutable FAISS segments: vectors of one space under their slots, never changed once written."""

import errno
import logging
import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexFolderError
from indexer.files import write_durably
from indexer.spaces import Metric, Slots
from models.errors import HueweaveError
from models.extraction import Vectors

log = logging.getLogger(__name__)

_METRICS = {"cosine": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}
# FAISS wants some tens of points a centroid; more only slows training down.
_TRAINING_POINTS = 100_000
# From this many candidates on a search is for ranking them again by other terms.
_LONG = 1000
_EFFORT_PER_CANDIDATE = 2
# Lists are read until they hold this many vectors a candidate.
_VECTORS_PER_CANDIDATE = 500
_SEARCHES_UNDER_A_MASK = (
    faiss.IndexFlat,
    faiss.IndexScalarQuantizer,
    faiss.IndexHNSW,
    faiss.IndexIVF,
)


class IndexTypeError(HueweaveError):
    """A FAISS factory string that cannot be built for these vectors."""


class Segment:
    """One FAISS index over slots."""

    def __init__(self, index: faiss.Index, metric: Metric) -> None:
        self._index, self._metric = index, metric
        self._mask: tuple[NDArray[np.bool_], NDArray[np.uint8] | None] | None = None

    @property
    def count(self) -> int:
        """How many vectors it holds, deleted ones included."""
        return int(self._index.ntotal)

    @cached_property
    def slots(self) -> Slots:
        """The slots it holds."""
        ids: Slots = faiss.vector_to_array(self._index.id_map)
        return ids

    @property
    def end(self) -> int:
        """The first slot past all those it holds."""
        return int(self.slots.max()) + 1 if len(self.slots) else 0

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
        slots = self.slots
        table = np.full(max(self.end, 1), -1, np.int32)
        table[slots] = np.arange(len(slots), dtype=np.int32)
        return table

    def search(
        self, queries: Vectors, k: int, live: NDArray[np.bool_], *, lasting: bool = True
    ) -> tuple[Vectors, Slots]:
        """Return (q, k') similarities, falling, and their slots; -1 fills what is missing.

        ``live`` is a mask by slot: only slots that are True are found. One that is ``lasting``
        will be searched with again.
        """
        packed = self._packed(live) if lasting else _pack(live)
        selector = None
        if packed is not None:
            # Made for each search: FAISS writes into it while it translates ids.
            selector = faiss.IDSelectorBitmap(len(packed), faiss.swig_ptr(packed))
        parameters = _parameters(self._index.index, selector, k)
        distances, ids = self._index.search(queries, min(k, self.count), params=parameters)
        if self._metric == "l2":
            return -np.sqrt(np.maximum(distances, 0.0)), ids
        return np.clip(distances, -1.0, 1.0), ids

    def _packed(self, live: NDArray[np.bool_]) -> NDArray[np.uint8] | None:
        """Return the mask as bits, None if it hides nothing here; kept for the next search."""
        seen = self._mask
        if seen is None or seen[0] is not live:
            hides = not live[self.slots].all()
            seen = self._mask = (live, _pack(live) if hides else None)
        return seen[1]

    def write(self, path: Path) -> None:
        """Write it to ``path``, durably."""
        write_durably(path, self._write)

    def _write(self, path: Path) -> None:
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:  # FAISS has no error of its own for a full disk
            full = os.strerror(errno.ENOSPC) in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path)) from error


def _pack(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(mask, bitorder="little")


def _flat_vectors(index: faiss.Index) -> Vectors | None:
    """Return FAISS's own memory of whole vectors: no copy, so the index must stay alive."""
    inner = faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexHNSW):
        inner = faiss.downcast_index(inner.storage)
    if not isinstance(inner, faiss.IndexFlat) or not inner.ntotal:
        return None
    flat = faiss.rev_swig_ptr(inner.get_xb(), inner.ntotal * inner.d)
    vectors: Vectors = flat.reshape(inner.ntotal, inner.d)
    return vectors


def _parameters(
    index: faiss.Index, selector: faiss.IDSelector | None, k: int
) -> faiss.SearchParameters | None:
    """Return how to search so that ``k`` are worth having, among what ``selector`` lets pass.

    Parameters given to a search replace the index's own, so those are handed on. A long list of
    candidates asks an approximate index to look further than it does for a few.
    """
    index = _innermost(index)
    if isinstance(index, faiss.IndexIVF):
        few = k < _LONG
        wide = 0 if few else -(-index.nlist * k * _VECTORS_PER_CANDIDATE // max(index.ntotal, 1))
        nprobe = min(index.nlist, max(index.nprobe, wide))
        return faiss.SearchParametersIVF(sel=selector, nprobe=nprobe)
    if isinstance(index, faiss.IndexHNSW):
        deep = k * _EFFORT_PER_CANDIDATE if k >= _LONG else 0
        return faiss.SearchParametersHNSW(sel=selector, efSearch=max(index.hnsw.efSearch, deep))
    return faiss.SearchParameters(sel=selector) if selector else None


def check_index_type(index_type: str, dimension: int, metric: Metric) -> None:
    """Raise IndexTypeError if FAISS cannot make ``index_type`` for this many dimensions."""
    _make(index_type, dimension, metric)


def build_segment(
    index_type: str,
    metric: Metric,
    dimension: int,
    batches: Iterable[tuple[Slots, Vectors]],
    sample: Callable[[int], Vectors],
) -> Segment:
    """Return a segment of all ``batches``, (slots, (n, d) vectors) each, held once in memory.

    ``sample`` gives so many of the vectors, or all, to train on. Too few to train ``index_type``
    are too few to need it: they get a flat segment.
    """
    inner = _make(index_type, dimension, metric)
    if not inner.is_trained and not _train(inner, sample(_TRAINING_POINTS)):
        log.warning("too few vectors to train %s: searching them one by one", index_type)
        inner = _make("Flat", dimension, metric)
    index = faiss.IndexIDMap2(inner)
    for slots, vectors in batches:
        index.add_with_ids(vectors, slots)
    return Segment(index, metric)


def read_segment(path: Path, metric: Metric) -> Segment:
    """Return the segment in a file; raises IndexFolderError if FAISS cannot read it."""
    try:
        return Segment(faiss.read_index(str(path)), metric)
    except RuntimeError as error:
        raise IndexFolderError(f"{str(path)!r} is damaged: FAISS cannot read it") from error


def _make(index_type: str, dimension: int, metric: Metric) -> faiss.Index:
    try:
        index = faiss.index_factory(dimension, index_type, _METRICS[metric])
    except RuntimeError as error:
        raise IndexTypeError(
            f"index type {index_type!r} does not fit {dimension} dimensions: expected a FAISS "
            "factory string such as Flat, HNSW32 or IVF256,SQ8"
        ) from error
    fault = _fault(index, dimension)
    if fault:
        raise IndexTypeError(f"index type {index_type!r} has {fault}")
    if not isinstance(_innermost(index), _SEARCHES_UNDER_A_MASK):
        raise IndexTypeError(
            f"index type {index_type!r} cannot leave deleted items out of a search: expected "
            "Flat, SQ8, HNSW… or IVF…"
        )
    return index


def _fault(index: faiss.Index, dimension: int) -> str | None:
    """Return what FAISS takes without a word and then crashes or fails on."""
    inner = _innermost(index)
    if inner.d > dimension:
        return f"more dimensions than the {dimension} there are"
    if isinstance(inner, faiss.IndexHNSW) and _links(inner) < 2:
        return "too few links: expected HNSW2 or more, such as HNSW32"
    if isinstance(inner, faiss.IndexIVF) and inner.nlist < 1:
        return "no lists: expected IVF1 or more, such as IVF256"
    return None


def _links(index: faiss.IndexHNSW) -> int:
    """Return the M of an HNSW: its lowest level has twice as many links."""
    sums = faiss.vector_to_array(index.hnsw.cum_nneighbor_per_level)
    return int(sums[1]) // 2 if len(sums) > 1 else 0


def _innermost(index: faiss.Index) -> faiss.Index:
    """Return what is below transforms such as PCA."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        return _innermost(index.index)
    return index


def _train(inner: faiss.Index, vectors: Vectors) -> bool:
    """Train and return True, or return False if there are too few ``vectors`` for it."""
    try:
        inner.train(vectors)
    except RuntimeError:
        return False
    ivf = faiss.try_extract_index_ivf(inner)
    if ivf is not None:
        # FAISS would look into one list; a sixteenth of them finds most neighbours.
        ivf.nprobe = min(ivf.nlist, max(8, ivf.nlist // 16))
    return True
