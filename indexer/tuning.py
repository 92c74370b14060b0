"""Tuning a segment: the least effort that finds what was asked, measured on vectors held out."""

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from indexer.effort import set_effort
from indexer.factory import innermost
from indexer.planning import NEIGHBOURS, NUMBERS_PER_CANDIDATE, one_code, one_step, recalls
from models.extraction import Vectors

_CANDIDATES = (
    12,
    15,
    18,
    22,
    26,
    30,
    35,
    40,
    45,
    50,
    60,
    70,
    85,
    100,
    120,
    150,
    200,
    300,
    400,
    500,
)
# Each effort is so much more than the one before.
_STEP = 1.1
_MOST_STEPS = 1024


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
    two standard errors to spare, or to the most if none does; return it, and whether it does.

    ``again`` says whether candidates are ranked again, exactly enough to be in their true order.
    """
    cheapest, best = None, Tuning(index_type, 0, 0, -1.0)
    most = min(_CANDIDATES[-1], int(index.ntotal)) if again else NEIGHBOURS
    inner = innermost(index)
    graph = isinstance(inner, faiss.IndexHNSW)
    each = one_step(inner.d) if graph else inner.ntotal / inner.nlist * one_code(inner.d)
    for effort in _efforts(inner):
        cost = effort * each
        if cheapest and cost >= cheapest[0]:
            break
        set_effort(index, effort)
        # A graph finds no more than it takes steps, and would take more if more were asked for.
        wanted = min(most, effort) if graph else most
        found = index.search(queries, wanted)[1]
        shares = recalls(found, truth)
        for candidates in [one for one in _CANDIDATES if one <= wanted] if again else [NEIGHBOURS]:
            some = shares[:, candidates - 1]
            mean, error = float(some.mean()), float(some.std()) / len(some) ** 0.5
            way = Tuning(index_type, effort, candidates if again else 0, round(mean, 4))
            best = max(best, way, key=lambda one: one.recall)
            if mean - 2 * error >= recall:
                whole = cost + candidates * NUMBERS_PER_CANDIDATE
                if cheapest is None or whole < cheapest[0]:
                    cheapest = whole, way
                break
    chosen = cheapest[1] if cheapest else best
    set_effort(index, chosen.effort)
    return chosen, cheapest is not None


def _efforts(index: faiss.Index) -> Iterator[int]:
    """Yield rising numbers of lists to read, up to all, or of steps to take."""
    graph = isinstance(index, faiss.IndexHNSW)
    some, most = (_CANDIDATES[0], _MOST_STEPS) if graph else (1, index.nlist)
    while some < most:
        yield some
        some = max(some + 1, int(some * _STEP))
    yield most
