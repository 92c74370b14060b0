"""Scores: how unusual a similarity is among a fixed sample of the index.

A score is the share of the sample that is less alike. Between the sample's values it is
interpolated. Above them it has an exponential tail (the peaks-over-threshold view of extreme
values, Pickands 1975, with shape zero), below them a hyperbolic one, which never reaches zero, so
that it is strictly monotone everywhere.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Metric
from models.extraction import Vectors

Floats = NDArray[np.float64]

# The most alike two vectors can be.
_TOP: dict[Metric, float] = {"cosine": 1.0, "l2": 0.0}
# The tail's scale is the mean excess over this share of the sample.
_TAIL_SHARE = 0.05
# Between the sample's best and the top a tail falls by at most e^-12: below that, doubles near 1
# could no longer tell two float32 similarities apart.
_MAX_FALL = 12.0
# The scale of a tail that the sample says nothing about, being one value or all the same.
_LEAST = 1e-3


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
        x = similarities.astype(np.float64)
        inner = np.interp(x, self._values, self._shares)
        first, last = self._values[0], self._values[-1]
        above = 1 - (1 - self._shares[-1]) * np.exp(-np.maximum(x - last, 0) / self._upper)
        below = self._shares[0] / (1 + np.maximum(first - x, 0) / self._lower)
        result: Floats = np.where(x > last, above, np.where(x < first, below, inner))
        return result


def _mean_excess(values: Floats, counts: NDArray[np.int64]) -> float:
    """Return how far the best of a sample lie above the threshold of its tail, on average."""
    sample = np.repeat(values, counts)
    tail = sample[-max(2, round(len(sample) * _TAIL_SHARE)) :]
    return float(np.mean(tail - tail[0]))
