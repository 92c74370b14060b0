"""What FAISS indexes can be made of: factory strings, and what is wrong with some of them."""

import faiss

from indexer.spaces import Metric
from models.errors import HueweaveError

METRICS = {"cosine": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}
AUTO = "auto"
"""An index type that is chosen for each segment; see ``indexer.planning``."""
_SEARCHES_UNDER_A_MASK = (
    faiss.IndexFlat,
    faiss.IndexScalarQuantizer,
    faiss.IndexHNSW,
    faiss.IndexIVF,
)


class IndexTypeError(HueweaveError):
    """A FAISS factory string that cannot be built for these vectors."""


def check_index_type(index_type: str, dimension: int, metric: Metric) -> None:
    """Raise IndexTypeError if FAISS cannot make ``index_type`` for this many dimensions."""
    if index_type != AUTO:
        make_empty(index_type, dimension, metric)


def make_empty(
    index_type: str, dimension: int, metric: Metric, *, masked: bool = True
) -> faiss.Index:
    """Return an index without vectors; raises IndexTypeError for one that would not do, or that
    cannot be searched under a mask if it is to be ``masked``."""
    try:
        index = faiss.index_factory(dimension, index_type, METRICS[metric])
    except RuntimeError as error:
        raise IndexTypeError(
            f"index type {index_type!r} does not fit {dimension} dimensions: expected a FAISS "
            "factory string such as Flat, HNSW32 or IVF256,SQ8"
        ) from error
    fault = _fault(index, dimension)
    if fault:
        raise IndexTypeError(f"index type {index_type!r} has {fault}")
    if masked and not isinstance(innermost(index), _SEARCHES_UNDER_A_MASK):
        raise IndexTypeError(
            f"index type {index_type!r} cannot leave deleted items out of a search: expected "
            "Flat, SQ8, HNSW… or IVF…"
        )
    return index


def _fault(index: faiss.Index, dimension: int) -> str | None:
    """Return what FAISS takes without a word and then crashes or fails on."""
    inner = innermost(index)
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


def innermost(index: faiss.Index) -> faiss.Index:
    """Return what is below transforms such as PCA."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        return innermost(index.index)
    return index
