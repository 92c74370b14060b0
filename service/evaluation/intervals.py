"""Means with bootstrap intervals: queries drawn anew with replacement, all rows by the same draws.

The draws are paired, so that two rows are compared on the very same queries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]
RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds within which 95 % of the resamples' means lie."""

    value: float
    low: float
    high: float


class Resamples:
    """Draws of n queries in classes, by a seed. ``classes`` is (n,) codes."""

    def __init__(self, classes: NDArray[np.int32], seed: int = 0, count: int = RESAMPLES) -> None:
        random, n = np.random.default_rng(seed), len(classes)
        draws = np.empty((count, n), np.float32)
        for at in range(count):
            draws[at] = np.bincount(random.integers(0, n, n), minlength=n)
        # Queries of one class side by side, so that sums over a class are over a run.
        self._order = np.argsort(classes, kind="stable")
        self.present, self._starts = np.unique(classes[self._order], return_index=True)
        self._draws = draws[:, self._order]
        self._sizes = self._sums(np.ones(n, np.float32))

    def mean(self, values: Values) -> Interval:
        """Return the mean of (n,) ``values``, one a query."""
        drawn = self._draws @ values[self._order].astype(np.float32) / len(values)
        return _interval(float(values.mean()), drawn)

    def by_class(self, values: Values) -> tuple[Interval, list[Interval]]:
        """Return the mean of the classes' means, and those, in the order of ``present``."""
        sums = self._sums(values.astype(np.float32))
        drawn = np.full_like(sums, np.nan)  # a resample may have no query of a class
        np.divide(sums, self._sizes, out=drawn, where=self._sizes > 0)
        ordered = values[self._order]
        sizes = np.diff([*self._starts, len(ordered)])
        means = np.add.reduceat(ordered, self._starts) / sizes
        macro = _interval(float(means.mean()), np.nanmean(drawn, axis=1))
        each = [_interval(float(m), drawn[:, at]) for at, m in enumerate(means)]
        return macro, each

    def _sums(self, values: Values) -> Values:
        """Return (resamples, classes) sums over the queries of each class."""
        found: Values = np.add.reduceat(self._draws * values[self._order], self._starts, axis=1)
        return found


def _interval(value: float, drawn: Values) -> Interval:
    low, high = np.nanpercentile(drawn, _PERCENTILES)
    # Where all queries agree, rounding must not put the mean outside.
    return Interval(value, min(float(low), value), max(float(high), value))
