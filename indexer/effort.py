"""How far FAISS looks for a search: by how many are wanted, and how few of all may be found."""

import math

import faiss

from indexer.factory import innermost

# From this many candidates on a search is for ranking them again by other terms.
_LONG = 1000
_EFFORT_PER_CANDIDATE = 2
# Lists are read until they hold this many vectors a candidate.
_VECTORS_PER_CANDIDATE = 500


def set_effort(index: faiss.Index, effort: int) -> None:
    """Let ``index`` read so many lists, or take so many steps, as it is kept in its file."""
    inner = innermost(index)
    if isinstance(inner, faiss.IndexHNSW):
        inner.hnsw.efSearch = effort
    else:
        inner.nprobe = effort


def search_parameters(
    index: faiss.Index, selector: faiss.IDSelector | None, k: int, share: float = 1.0
) -> faiss.SearchParameters | None:
    """Return how to search so that ``k`` are worth having, among what ``selector`` lets pass,
    which is a ``share`` of all.

    Parameters given to a search replace the index's own, so those are handed on. A long list of
    candidates asks an approximate index to look further than it does for a few; so do few that may
    be found, since their nearest lie further off.
    """
    index = innermost(index)
    if isinstance(index, faiss.IndexIVF):
        few = k < _LONG
        wide = 0 if few else -(-index.nlist * k * _VECTORS_PER_CANDIDATE // max(index.ntotal, 1))
        nprobe = min(index.nlist, max(_spread(index.nprobe, share), wide))
        return faiss.SearchParametersIVF(sel=selector, nprobe=nprobe)
    if isinstance(index, faiss.IndexHNSW):
        deep = k * _EFFORT_PER_CANDIDATE if k >= _LONG else 0
        effort = max(_spread(index.hnsw.efSearch, share), deep)
        return faiss.SearchParametersHNSW(sel=selector, efSearch=min(effort, index.ntotal))
    return faiss.SearchParameters(sel=selector) if selector else None


def _spread(effort: int, share: float) -> int:
    return math.ceil(effort / share) if share > 0 else effort


def candidates_for(k: int, candidates: int, neighbours: int) -> int:
    """Return how many to rank again for ``k`` where ``candidates`` do for ``neighbours``: what is
    further down a list lies denser, but more of it is among the candidates anyway."""
    deeper: float = max(1.0, k / neighbours) ** 0.75
    return max(2 * k, math.ceil(candidates * deeper))
