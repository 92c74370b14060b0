"""Scores: how unusual a similarity is among a fixed sample of the index.

A score is the share of the sample that is less alike. Between the sample's values it is
interpolated, beyond them it has exponential tails (the peaks-over-threshold view of extreme
values, Pickands 1975, with shape zero), so that it is strictly monotone everywhere.
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


class Scale:
    """From similarities to scores, for one query in one space."""

    def __init__(self, sample: Vectors, metric: Metric) -> None:
        """``sample`` is (m,), the query's similarities to the reference sample, m ≥ 1."""
        values, counts = np.unique(sample.astype(np.float64), return_counts=True)
        middle = np.cumsum(counts) - counts / 2 + 0.5
        self._values: Floats = values
        self._shares: Floats = middle / (len(sample) + 1)
        self._upper = self._tail_scale(values, counts, _TOP[metric])
        self._lower = self._tail_scale(-values[::-1], counts[::-1], -np.inf)

    def scores(self, similarities: Vectors) -> Floats:
        """Return a score in 0..1 for each similarity, strictly rising with it."""
        x = similarities.astype(np.float64)
        inner = np.interp(x, self._values, self._shares)
        first, last = self._values[0], self._values[-1]
        above = 1 - (1 - self._shares[-1]) * np.exp(-np.maximum(x - last, 0) / self._upper)
        below = self._shares[0] * np.exp(-np.maximum(first - x, 0) / self._lower)
        result: Floats = np.where(x > last, above, np.where(x < first, below, inner))
        return result

    @staticmethod
    def _tail_scale(values: Floats, counts: NDArray[np.int64], top: float) -> float:
        sample = np.repeat(values, counts)
        size = max(2, round(len(sample) * _TAIL_SHARE))
        excess = float(np.mean(sample[-size:] - sample[-size:][0]))
        room = max(top - values[-1], 0.0) if np.isfinite(top) else 0.0
        return max(excess, room / _MAX_FALL, 1e-6)
