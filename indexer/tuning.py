"""Tuning a segment: the least effort that finds what was asked, measured on vectors held out."""

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from indexer.effort import search_parameters, set_effort
from indexer.factory import innermost
from indexer.planning import NEIGHBOURS, recalls
from models.extraction import Vectors

_CANDIDATES = (15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500)
_STEPS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
# What ranking one candidate again costs: so many codes looked at in lists; a step through a graph
# costs as much as so many candidates. Both were measured.
_CODES_PER_CANDIDATE, _CANDIDATES_PER_STEP = 20, 4


@dataclass(frozen=True)
class Tuning:
    """How a segment is searched.

    ``index_type`` is what FAISS made of it, ``effort`` how many lists or steps through a graph a
    search reads (0: all there is), ``candidates`` how many are ranked again in half precision (0:
    none), ``recall`` which share of the ten nearest vectors that were held out found that way.
    """

    index_type: str
    effort: int
    candidates: int
    recall: float


def tune(
    index: faiss.Index,
    index_type: str,
    queries: Vectors,
    truth: np.ndarray,
    recall: float,
    *,
    again: bool,
) -> tuple[Tuning, bool]:
    """Set ``index`` to the least effort that finds ``recall`` of (q, 10) ``truth``, its rows, with
    a standard error to spare, or to the most if none does; return it, and whether it does.

    ``again`` says whether candidates are ranked again, exactly enough to be in their true order.
    """
    cheapest, best = None, Tuning(index_type, 0, 0, -1.0)
    for effort, cost in _efforts(index):
        if cheapest and cost >= cheapest[0]:
            break
        set_effort(index, effort)
        most = _most(index, effort) if again else NEIGHBOURS
        found = index.search(queries, most, params=search_parameters(index, None, NEIGHBOURS))[1]
        shares = recalls(found, truth)
        for candidates in [one for one in _CANDIDATES if one <= most] if again else [NEIGHBOURS]:
            some = shares[:, candidates - 1]
            mean, error = float(some.mean()), float(some.std()) / len(some) ** 0.5
            way = Tuning(index_type, effort, candidates if again else 0, round(mean, 4))
            best = max(best, way, key=lambda one: one.recall)
            if mean - error >= recall:
                if cheapest is None or cost + candidates < cheapest[0]:
                    cheapest = cost + candidates, way
                break
    chosen = cheapest[1] if cheapest else best
    set_effort(index, chosen.effort)
    return chosen, cheapest is not None


def _most(index: faiss.Index, effort: int) -> int:
    """Return how many candidates there are to choose from: a graph finds no more than it takes
    steps, and would take more if more were asked for."""
    limit = effort if isinstance(innermost(index), faiss.IndexHNSW) else _CANDIDATES[-1]
    return min(limit, _CANDIDATES[-1], int(index.ntotal))


def _efforts(index: faiss.Index) -> Iterator[tuple[int, float]]:
    """Yield rising efforts and what they cost, in candidates ranked again."""
    inner = innermost(index)
    if not isinstance(inner, faiss.IndexIVF):
        yield from ((steps, float(steps * _CANDIDATES_PER_STEP)) for steps in _STEPS)
        return
    length = inner.ntotal / inner.nlist / _CODES_PER_CANDIDATE
    lists = 1
    while lists < inner.nlist:
        yield lists, lists * length
        lists += max(1, lists // 2)
    yield inner.nlist, inner.nlist * length
