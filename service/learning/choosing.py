"""The search: every way of learning, with and without the label-free space, on the same folds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.spaces import similarities
from models.errors import one_of
from service.learning.arrays import Doubles, Rows
from service.learning.folds import Fold, Scores, Tally, make_folds
from service.learning.lda import Projection
from service.learning.problem import FREE, Problem, Way
from service.learning.student import TEACHERS, SelfTraining, Teacher
from service.learning.ways import WHITEN_WIDTHS, Lda, Nca, Whiten

METHODS = ("lda", "nca", "whiten")
MIXES = (0.15, 0.3, 0.5)
"""Shares of the label-free space that are tried beside none."""
# The label-free space makes vectors several times as long: a little is not worth it.
_COST = 0.005
FREE_RIDGES = (1e-2, 3e-2, 1e-1)
Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Tried:
    """A way with one ridge, the label-free space's share ``mix``, and how it fared."""

    way: Way
    mix: float
    scores: Scores

    @property
    def ridge(self) -> float:
        return self.way.ridges[0]


@dataclass(frozen=True)
class Search:
    """The label-free space and everything tried, on the same folds; the best by the mean average
    precision, less what it costs, comes first."""

    free: Scores
    tried: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        return self.tried[0]


def search(
    problem: Problem, method: str, seed: int = 0, tick: Tick = lambda done, total: None
) -> Search:
    """Return how the ways of ``method`` fare; raises UnknownNameError for one that is not known."""
    one_of("method", method, METHODS)
    folds = make_folds(problem.codes, seed)
    free = score_free(problem, folds)
    ways = ways_of(method, problem.sets)
    total = len(ways) + 2
    tried = list[Tried]()
    for done, way in enumerate(ways):
        tried += try_way(problem, way, folds)
        tick(done + 1, total)
    if method == "lda" and problem.unlabelled >= len(problem.codes) / 4:
        for teachers in _teachers(tried, try_way(problem, Lda(FREE, FREE_RIDGES), folds)):
            tried += try_way(problem, SelfTraining("all", teachers), folds)
    tick(total - 1, total)
    if problem.metric == "cosine":
        tried = _with_mixes(problem, tried, folds)
    tick(total, total)
    return Search(free, tuple(sorted(tried, key=_worth, reverse=True)))


def ways_of(method: str, names: Sequence[str]) -> list[Way]:
    """Return the ways of a method that look at each set of pools by itself."""
    if method == "lda":
        return [Lda(name) for name in names]
    if method == "whiten":
        return [Whiten(name, width) for name in names for width in WHITEN_WIDTHS]
    # It is slow: a block's pools go together.
    together = [name for name in names if "-" not in name] or list(names)
    return [Nca(name) for name in together]


def score_free(problem: Problem, folds: Sequence[Fold]) -> Scores:
    """Return how the label-free space fares."""
    tally = Tally(problem.codes)
    for _, held in folds:
        rows = problem.free[held]
        tally.add(held, similarities(rows, rows, problem.metric).astype(np.float64))
    return tally.scores()


def try_way(problem: Problem, way: Way, folds: Sequence[Fold]) -> list[Tried]:
    """Return how ``way`` fares with each of its ridges."""
    tallies = [Tally(problem.codes) for _ in way.ridges]
    points = problem.coordinates[way.name]
    for rows, held in folds:
        for tally, found in zip(tallies, way.train(problem, rows, held), strict=True):
            vectors = found.embed(points[held])
            tally.add(held, vectors @ vectors.T, guesses(found, points[held]))
    return [Tried(way.single(at), 0.0, tally.scores()) for at, tally in enumerate(tallies)]


def guesses(found: Projection, points: Doubles) -> Rows:
    """Return the class whose mean is nearest to each of ``points``."""
    best: Rows = found.logits(points).argmax(axis=1)
    return best


def _worth(one: Tried) -> float:
    return one.scores.map - (_COST if one.mix else 0.0)


def _teachers(tried: Sequence[Tried], free: Sequence[Tried]) -> Iterator[tuple[Teacher, ...]]:
    """Yield the best few, each of another set, and the one who looks at the label-free space."""
    best = dict[str, Tried]()
    for one in sorted([*tried, *free], key=lambda one: -one.scores.map):
        best.setdefault(one.way.name, one)
    for chosen in (list(best.values())[:TEACHERS], [best[FREE]]):
        yield tuple(Teacher(one.way, one.scores.accuracy) for one in chosen)


def _with_mixes(problem: Problem, tried: list[Tried], folds: Sequence[Fold]) -> list[Tried]:
    """Return what was tried and the best of it beside shares of the label-free space."""
    best = max(tried, key=lambda one: one.scores.map)
    tallies = {mix: Tally(problem.codes) for mix in MIXES}
    points = problem.coordinates[best.way.name]
    for rows, held in folds:
        [found] = best.way.train(problem, rows, held)
        vectors, free = found.embed(points[held]), problem.free[held]
        learned, known, said = vectors @ vectors.T, free @ free.T, guesses(found, points[held])
        for mix, tally in tallies.items():
            tally.add(held, (1 - mix) * learned + mix * known, said)
    mixed = [Tried(best.way, mix, tally.scores()) for mix, tally in tallies.items()]
    # One direction tells two classes apart, but within them nothing: all similarities are equal.
    alone = [] if best.way.method.startswith("lda") and problem.classes == 2 else tried
    return [*alone, *mixed]
