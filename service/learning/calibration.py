"""Which space votes best, how sure it may be, and what that has come to on labels held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.spaces import similarities
from service.learning.arrays import Codes, Doubles, Flags, Rows, one_hot
from service.learning.folds import Fold
from service.learning.lda import Projection
from service.learning.neighbours import (
    calibrated,
    calibration_error,
    fit_temperature,
    surprise,
    votes,
)
from service.learning.problem import Problem
from service.learning.ways import Lda

RIDGES = (1e-3, 3e-3, 1e-2)
SET = "all"
"""The set of pools that voters learn from."""


@dataclass(frozen=True)
class Voter:
    """A space in which neighbours vote: one learned in this ``way``, or None for the label-free
    one. (q, c) ``cast`` are the votes for the labelled items ``rows``, each held out, and
    ``temperature`` makes probabilities of them."""

    way: Lda | None
    cast: Doubles
    rows: Rows
    temperature: float
    surprise: float

    def probabilities(self, near: Doubles, shares: Doubles) -> Doubles:
        """Return (q, c) by (q, n) similarities to n labelled items with (n, c) ``shares``."""
        return calibrated(votes(near, shares), self.temperature)


@dataclass(frozen=True)
class Seen:
    """How held-out labels fared: the share of all that is guessed right (``accuracy``), the share
    that gets a value (``coverage``), the share of those that is right, and how far confidences are
    off on average."""

    accuracy: float
    coverage: float
    right: float
    calibration_error: float


def best_voter(problem: Problem, folds: Sequence[Fold]) -> Voter:
    """Return the voter to which labels that are held out are the least surprise."""
    shares = one_hot(problem.codes, problem.classes)
    free_near = similarities(problem.free, problem.free, problem.metric).astype(np.float64)
    points = problem.coordinates[SET]

    def by_free(rows: Rows, held: Rows) -> Doubles:
        return votes(free_near[np.ix_(held, rows)], shares[rows])

    def by_learned(way: Lda) -> Callable[[Rows, Rows], Doubles]:
        def cast(rows: Rows, held: Rows) -> Doubles:
            [found] = way.train(problem, rows, held)
            return votes(near_in(found, points[held], points[rows]), shares[rows])

        return cast

    ways = [Lda(SET, (ridge,)) for ridge in RIDGES]
    voters = [_voter(None, by_free, folds, problem.codes)]
    voters += [_voter(way, by_learned(way), folds, problem.codes) for way in ways]
    return min(voters, key=lambda one: one.surprise)


def near_in(found: Projection, points: Doubles, known: Doubles) -> Doubles:
    """Return (q, n) cosines of projected ``points`` to projected ``known``."""
    cosines: Doubles = found.embed(points) @ found.embed(known).T
    return cosines


def seen_of(voter: Voter, codes: Codes, near_enough: Flags, threshold: float) -> Seen:
    """Return how held-out items fared: those get a value that are ``near_enough``, (n,) bool, and
    whose confidence reaches ``threshold``."""
    told = calibrated(voter.cast, voter.temperature)
    confidence = told.max(axis=1)
    right = (told.argmax(axis=1) == codes[voter.rows]).astype(np.float64)
    valued = (confidence >= threshold) & near_enough[voter.rows]
    return Seen(
        accuracy=float(right.mean()),
        coverage=float(valued.mean()),
        right=float(right[valued].mean()) if valued.any() else 0.0,
        calibration_error=calibration_error(confidence, right),
    )


def _voter(
    way: Lda | None,
    cast: Callable[[Rows, Rows], Doubles],
    folds: Sequence[Fold],
    codes: Codes,
) -> Voter:
    found = np.concatenate([cast(rows, held) for rows, held in folds])
    rows = np.concatenate([held for _, held in folds])
    heat = fit_temperature(found, codes[rows])
    return Voter(way, found, rows, heat, surprise(calibrated(found, heat), codes[rows]))
