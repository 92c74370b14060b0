"""Cross-validation: every labelled item held out in turn, and how it fares among those held out
with it."""

from dataclasses import dataclass

import numpy as np

from service.learning.arrays import Codes, Doubles, Flags, Rows

Fold = tuple[Rows, Rows]
"""Rows to learn from, and rows held out."""
# Few examples a class make few folds, and few folds a rough measure: they are drawn more often.
_REPEATS = {2: 5, 3: 3, 4: 3, 5: 1}


def make_folds(codes: Codes, seed: int = 0) -> list[Fold]:
    """Return stratified folds of (n,) ``codes``: 5, or fewer if a class has less than 10 examples,
    drawn several times then."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    count = int(np.clip(np.bincount(codes).min() // 2, 2, 5))
    splits = RepeatedStratifiedKFold(
        n_splits=count, n_repeats=_REPEATS[count], random_state=np.random.RandomState(seed)
    )
    return list(splits.split(np.zeros((len(codes), 1)), codes))


@dataclass(frozen=True)
class Scores:
    """How (n,) items fared when held out: mean average precision and share of right guesses, over
    the times they were. ``asked`` are those that had another of their class beside them, and
    ``chance`` is the share of right guesses of whoever guesses the same classes as often, blindly.
    """

    precision: Doubles
    right: Doubles
    asked: Flags
    chance: float

    @property
    def map(self) -> float:
        """The mean average precision of the items that asked."""
        return float(self.precision[self.asked].mean())

    @property
    def accuracy(self) -> float:
        """The share of right guesses."""
        return float(self.right.mean())


class Tally:
    """Adds up how held out items fare, fold by fold."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        n, classes = len(codes), int(codes.max()) + 1
        self._precision, self._right = np.zeros(n), np.zeros(n)
        self._asked, self._held = np.zeros(n), np.zeros(n)
        self._guessed = np.zeros(classes)

    def add(self, held: Rows, similarities: Doubles, guesses: Rows | None = None) -> None:
        """Count one fold: (m, m) ``similarities`` of the rows ``held``, (m,) guessed classes."""
        codes = self._codes[held]
        found, asked = average_precisions(similarities, codes)
        self._precision[held] += found
        self._asked[held] += asked
        self._held[held] += 1
        if guesses is not None:
            self._right[held] += guesses == codes
            self._guessed += np.bincount(guesses, minlength=len(self._guessed))

    def scores(self) -> Scores:
        """Return what there is so far."""
        shares = np.bincount(self._codes) / len(self._codes)
        guessed = self._guessed / max(self._guessed.sum(), 1)
        return Scores(
            self._precision / np.maximum(self._asked, 1),
            self._right / np.maximum(self._held, 1),
            self._asked > 0,
            float(shares @ guessed),
        )


def average_precisions(similarities: Doubles, codes: Codes) -> tuple[Doubles, Doubles]:
    """Return (m,) average precision of each row asking for the others of its class by (m, m)
    ``similarities``, 0 where there are none, and (m,) 1 where there are some.

    Equal similarities count in the order of the rows.
    """
    ranked = similarities.copy()
    np.fill_diagonal(ranked, -np.inf)
    order = np.argsort(-ranked, axis=1, kind="stable")[:, :-1]
    relevant = codes[order] == codes[:, None]
    hits = np.cumsum(relevant, axis=1)
    precision = (hits / np.arange(1, len(codes))) * relevant
    total = hits[:, -1]
    return precision.sum(axis=1) / np.maximum(total, 1), (total > 0).astype(np.float64)
