"""Self-training: unlabelled items take part as what teachers take them for, by shares.

A few discriminants teach one of all pools together. From few labels the best teacher is often one
that looks at the label-free space, which is narrow and knows what to look at already. Their
temperature is such that they are as sure, on average, as they are right in cross-validation.
"""

from dataclasses import dataclass, replace

import numpy as np

from service.learning.arrays import Doubles, Rows, one_hot, softmax
from service.learning.lda import Projection, discriminants, scatter
from service.learning.problem import Problem, Way

STUDENT_RIDGES = (3e-4, 1e-3, 3e-3)
TEACHERS = 3
# An item that nobody has labelled counts half of one that somebody has.
_WEIGHT = 0.5
_ROUNDS = 2
_SUREST = 0.97


@dataclass(frozen=True)
class Teacher:
    """A way with one ridge, and how often it guesses right in cross-validation."""

    way: Way
    accuracy: float


@dataclass(frozen=True)
class SelfTraining:
    """Discriminants of the set ``name``, learned from labels and from what ``teachers`` guess."""

    name: str
    teachers: tuple[Teacher, ...]
    ridges: tuple[float, ...] = STUDENT_RIDGES

    @property
    def method(self) -> str:
        return f"lda, taught by {', '.join(one.way.name for one in self.teachers)}"

    def train(self, problem: Problem, rows: Rows, others: Rows) -> list[Projection]:
        more = np.arange(problem.unlabelled) + len(problem.codes)
        unknown = np.concatenate([others, more]).astype(np.int64)
        taught = self._teach(problem, rows, unknown)
        sure = min(float(taught.max(axis=1).mean()), _SUREST)
        points = problem.coordinates[self.name]
        both, labels = (
            points[np.concatenate([rows, unknown])],
            one_hot(problem.codes[rows], problem.classes),
        )
        made = []
        for ridge in self.ridges:
            guessed = taught
            for _ in range(_ROUNDS):
                shares = np.concatenate([labels, _WEIGHT * guessed])
                found = discriminants(scatter(both, shares), ridge)
                logits = found.logits(points[unknown])
                guessed = softmax(logits, temperature(logits, sure))
            made.append(found)
        return made

    def single(self, at: int) -> "SelfTraining":
        return replace(self, ridges=self.ridges[at : at + 1])

    def _teach(self, problem: Problem, rows: Rows, unknown: Rows) -> Doubles:
        """Return (m, c) shares of classes of the items ``unknown``."""
        total = np.zeros((len(unknown), problem.classes))
        for one in self.teachers:
            [found] = one.way.train(problem, rows, np.zeros(0, np.int64))
            logits = found.logits(problem.coordinates[one.way.name][unknown])
            sure = float(np.clip(one.accuracy, min(1.5 / problem.classes, _SUREST), _SUREST))
            total += np.log(np.maximum(softmax(logits, temperature(logits, sure)), 1e-9))
        # They have seen the same labels: what they agree on counts as less than several opinions.
        return softmax(total / np.sqrt(len(self.teachers)))


def temperature(logits: Doubles, sure: float) -> float:
    """Return the temperature at which the greatest of (n, c) probabilities is ``sure`` on average,
    or the nearest there is from 0.01 to 10,000."""
    low, high = 1e-2, 1e4
    for _ in range(30):
        middle = float(np.sqrt(low * high))
        too_sure = softmax(logits, middle).max(axis=1).mean() > sure
        low, high = (middle, high) if too_sure else (low, middle)
    return float(np.sqrt(low * high))
