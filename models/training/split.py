"""Which pictures are trained on, and which are kept aside to judge by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to validate on, each rising."""

    training: Indices
    validation: Indices


def stratified_split(labels: Indices, share: float, seed: int) -> Split:
    """Return a split of (n,) ``labels`` with about ``share`` of each class to validate on.

    Of a class with two pictures or more at least one goes each way; one alone is trained on. With
    a share of 0 nothing is kept aside. The same seed splits the same labels the same way.
    """
    random = np.random.default_rng(seed)
    aside = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        count = min(max(round(share * len(rows)), 1), len(rows) - 1) if share else 0
        aside[rows[:count]] = True
    return Split(np.flatnonzero(~aside), np.flatnonzero(aside))
