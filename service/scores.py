"""Scores: how unusual a similarity is among a fixed sample of the index.

A score is the share of the sample that is less alike. Between the sample's values it is
interpolated. Above them it has an exponential tail (the peaks-over-threshold view of extreme
values, Pickands 1975, with shape zero), below them a hyperbolic one, which never reaches zero, so
that it is strictly monotone everywhere.

Terms are combined by their tails, the shares that are at least as alike. Those that attract have to
hold together: the quadratic mean of their tails counts, so that a perfect color does not make up
for any texture, as in a sum of logarithms (Fisher's way of combining tests, 1925) it would. What
attracts and each term that pushes away then add up as evidence, minus the decimal logarithm of the
tail, which does not saturate.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Metric
from models.extraction import Vectors

Floats = NDArray[np.float64]
Tails = NDArray[np.floating[Any]]

# The most alike two vectors can be.
_TOP: dict[Metric, float] = {"cosine": 1.0, "l2": 0.0}
# The tail's scale is the mean excess over this share of the sample.
_TAIL_SHARE = 0.05
# Between the sample's best and the top a tail falls by at most e^-12: below that, doubles near 1
# could no longer tell two float32 similarities apart.
_MAX_FALL = 12.0
# The scale of a tail that the sample says nothing about, being one value or all the same.
_LEAST = 1e-3
_BINS = 1 << 14


class Scale:
    """From similarities to scores, for one query in one space."""

    def __init__(self, sample: Vectors, metric: Metric) -> None:
        """``sample`` is (m,), the query's similarities to the reference sample, m ≥ 1."""
        values, counts = np.unique(sample.astype(np.float64), return_counts=True)
        middle = np.cumsum(counts) - counts / 2 + 0.5
        self._values: Floats = values
        self._shares: Floats = middle / (len(sample) + 1)
        room = max(_TOP[metric] - values[-1], 0.0)
        self._upper = max(_mean_excess(values, counts), room / _MAX_FALL, _LEAST)
        self._lower = max(_mean_excess(-values[::-1], counts[::-1]), _LEAST)

    def scores(self, similarities: Vectors) -> Floats:
        """Return a score in 0..1 for each similarity, strictly rising with it."""
        return 1 - self.tails(similarities)

    def tails(self, similarities: Tails) -> Floats:
        """Return the share that is at least as alike, in 0..1, strictly falling: 1 - the score."""
        x = similarities.astype(np.float64)
        inner = 1 - np.interp(x, self._values, self._shares)
        first, last = self._values[0], self._values[-1]
        above = (1 - self._shares[-1]) * np.exp(-np.maximum(x - last, 0) / self._upper)
        below = 1 - self._shares[0] / (1 + np.maximum(first - x, 0) / self._lower)
        result: Floats = np.where(x > last, above, np.where(x < first, below, inner))
        return result

    def bounds(self, similarities: Vectors) -> tuple[Tails, Tails]:
        """Return numbers just below and just above the tails of each of many similarities.

        Looked up in bins: several times faster than ``tails``.
        """
        low, high = float(similarities.min()), float(similarities.max())
        edges = np.linspace(low, high, _BINS + 1)
        step = max((high - low) / _BINS, 1e-12)
        tails = self.tails(edges)
        # A bin more on either side for what rounding puts into the next one.
        padded = np.concatenate([tails[:1], tails, tails[-1:]]).astype(np.float32)
        at = np.clip(((similarities - low) / step).astype(np.int32), 0, _BINS - 1)
        return padded[at + 3] * np.float32(1 - 1e-5), padded[at] * np.float32(1 + 1e-5)


def combine(tails: Sequence[Tails], weights: Sequence[float]) -> Tails:
    """Return the evidence, (n,), that items answer terms in which they have ``tails``, (n,) each.

    At least one weight is above 0. Evidence of 0 is none, and with only such weights the least.
    """
    total = sum(abs(weight) for weight in weights)
    attracting = sum(weight for weight in weights if weight > 0)
    squares = np.zeros_like(tails[0])
    repelled = np.zeros_like(tails[0])
    for one, weight in zip(tails, weights, strict=True):
        if weight > 0:
            squares += one**2 * (weight / attracting)
        elif weight < 0:
            repelled += -np.log10(one) * (-weight / total)
    found: Tails = -np.log10(squares) / 2 * (attracting / total) - repelled
    return found


def total_scores(evidence: Tails, weights: Sequence[float]) -> Tails:
    """Return a score in 0..1 for each combined evidence, strictly rising with it.

    With one term, the term's own. With several, one minus the quadratic mean of the tails. Where
    a term pushes away, evidence may be negative: 0.5 stands for none at all.
    """
    tails = np.power(10.0, -evidence)
    result: Tails = 1 / (1 + tails) if min(weights) < 0 else 1 - tails
    return result


def _mean_excess(values: Floats, counts: NDArray[np.int64]) -> float:
    """Return how far the best of a sample lie above the threshold of its tail, on average."""
    sample = np.repeat(values, counts)
    tail = sample[-max(2, round(len(sample) * _TAIL_SHARE)) :]
    return float(np.mean(tail - tail[0]))
