"""How well a network tells classes apart on pictures it was not trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.split import Indices


@dataclass(frozen=True)
class ClassFigures:
    """Of one class: how many pictures, how many were named right, and what else most were
    named, with how many."""

    name: str
    pictures: int
    right: int
    taken_for: str | None
    taken: int

    @property
    def accuracy(self) -> float:
        """The share named right; NaN without pictures."""
        return self.right / self.pictures if self.pictures else float("nan")


@dataclass(frozen=True)
class Judgement:
    """``confusion`` is (classes, classes): pictures of the row's class named the column's."""

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    loss: float

    @property
    def pictures(self) -> int:
        """How many pictures were judged by."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of pictures named right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def per_class(self) -> list[ClassFigures]:
        """The figures of every class, in order."""
        return [self._figures(at) for at in range(len(self.classes))]

    def _figures(self, at: int) -> ClassFigures:
        row = self.confusion[at].copy()
        pictures, right = int(row.sum()), int(row[at])
        row[at] = 0
        most = int(row.argmax())
        taken = int(row[most])
        other = self.classes[most] if taken else None
        return ClassFigures(self.classes[at], pictures, right, other, taken)


def confuse(labels: Indices, named: Indices, classes: int) -> NDArray[np.int64]:
    """Return (classes, classes) counts of (n,) ``labels`` against what they were ``named``."""
    counts = np.bincount(labels * classes + named, minlength=classes * classes)
    return counts.reshape(classes, classes)
