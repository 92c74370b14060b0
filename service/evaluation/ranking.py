"""Leave-one-out retrieval: every query ranks all others, exactly, a few queries at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Metric, similarities
from models.extraction import Vectors
from service.evaluation.matching import Codes

Rows = NDArray[np.int64]
MEASURES = ("map", "accuracy_1", "accuracy_5", "precision_1", "precision_5", "precision_10")
"""Mean average precision, accuracy by the nearest and by a vote of five, precision at 1, 5, 10."""
NEIGHBOURS = 5
# Similarities held at once: what is made of them takes some ten times as many bytes.
_CELLS = 4_000_000


@dataclass(frozen=True)
class Outcome:
    """How (q,) queries fared: a value each by measure, and the class that five neighbours vote."""

    values: Mapping[str, NDArray[np.float64]]
    voted: Codes


def rank(vectors: Vectors, metric: Metric, queries: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Yield (c,) queries and (c, n - 1) the other rows of (n, d) ``vectors``, the nearest first.

    Of equally near ones the first row comes first.
    """
    step = max(1, _CELLS // len(vectors))
    for at in range(0, len(queries), step):
        some = queries[at : at + step]
        far = -similarities(vectors[some], vectors, metric)
        far[np.arange(len(some)), some] = np.inf
        yield some, np.argsort(far, axis=1, kind="stable")[:, :-1]


def judge(order: Rows, codes: Codes, queries: Rows) -> Outcome:
    """Return how (c,) ``queries`` fare by (c, n - 1) ``order`` on (n,) ``codes``.

    Rows without a code are as if they were not there; queries have one, which another row has too.
    """
    found = codes[order]
    # Each query is labelled, so that as many others are in every row.
    found = found[found >= 0].reshape(len(queries), -1)
    own = codes[queries]
    relevant = found == own[:, None]
    hits = np.cumsum(relevant, axis=1)
    precision = hits / np.arange(1, found.shape[1] + 1)
    voted = vote(found[:, :NEIGHBOURS])
    return Outcome(
        {
            "map": (precision * relevant).sum(axis=1) / hits[:, -1],
            "accuracy_1": (found[:, 0] == own).astype(np.float64),
            "accuracy_5": (voted == own).astype(np.float64),
            **{f"precision_{k}": relevant[:, :k].sum(axis=1) / k for k in (1, 5, 10)},
        },
        voted,
    )


def vote(nearest: Codes) -> Codes:
    """Return the class most of (c, k) neighbours have; of several, that of the nearest of them."""
    counts = (nearest[:, :, None] == nearest[:, None, :]).sum(axis=2)
    voted: Codes = nearest[np.arange(len(nearest)), counts.argmax(axis=1)]
    return voted


def measure(
    vectors: Vectors, metric: Metric, columns: Sequence[tuple[Codes, Rows]]
) -> list[Outcome]:
    """Return how the queries of each column, (codes, rows), fare in one space."""
    asked = np.unique(np.concatenate([rows for _, rows in columns]))
    parts: list[list[Outcome]] = [[] for _ in columns]
    for some, order in rank(vectors, metric, asked):
        for at, (codes, rows) in enumerate(columns):
            mine = np.isin(some, rows)
            if mine.any():
                parts[at].append(judge(order[mine], codes, some[mine]))
    return [_joined(part) for part in parts]


def _joined(parts: Sequence[Outcome]) -> Outcome:
    values = {name: np.concatenate([one.values[name] for one in parts]) for name in MEASURES}
    return Outcome(values, np.concatenate([one.voted for one in parts]))


def by_chance(codes: Codes, queries: Rows) -> Outcome:
    """Return what is to be expected of an order at random, and of answering the most frequent
    class always."""
    counts = np.bincount(codes[codes >= 0])
    others = int(counts.sum()) - 1
    share = (counts[codes[queries]] - 1) / others
    harmonic = float((1 / np.arange(1, others + 1)).sum())
    # R relevant of N: each place holds one with R/N, and before it (R-1)/(N-1) of the places do.
    relevant = counts[codes[queries]] - 1
    before = (relevant - 1) / max(others - 1, 1)
    expected = (harmonic + (others - harmonic) * before) / others
    most = np.full(len(queries), counts.argmax(), np.int32)
    right = (most == codes[queries]).astype(np.float64)
    values = {"map": expected, "accuracy_1": right, "accuracy_5": right}
    # As for any order, places past the last are misses.
    for k in (1, 5, 10):
        values[f"precision_{k}"] = share * min(k, others) / k
    return Outcome(values, most)
