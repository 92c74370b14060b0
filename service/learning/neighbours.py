"""Label values by votes of labelled neighbours, and probabilities that mean what they say."""

import numpy as np

from indexer.spaces import Metric, similarities
from models.extraction import Vectors
from service.learning.arrays import Codes, Doubles, Rows, softmax

NEIGHBOURS = 10
# How much nearer a neighbour has to be to count e times as much.
_WIDTH = 0.1
# Votes that no neighbour cast, for all classes together: nothing is ruled out.
_PRIOR = 0.02
_BINS = 10


def votes(near: Doubles, shares: Doubles) -> Doubles:
    """Return (q, c) shares of classes by (q, n) similarities ``near`` to n items with (n, c)
    ``shares``. The nearest neighbour counts one, others less by how much farther they are."""
    count = min(NEIGHBOURS, near.shape[1])
    nearest = np.argpartition(-near, count - 1, axis=1)[:, :count]
    found = np.take_along_axis(near, nearest, axis=1)
    weights = np.exp((found - found.max(axis=1, keepdims=True)) / _WIDTH)
    cast = np.einsum("qk,qkc->qc", weights, shares[nearest]) + _PRIOR / shares.shape[1]
    total: Doubles = cast / cast.sum(axis=1, keepdims=True)
    return total


def calibrated(cast: Doubles, temperature: float) -> Doubles:
    """Return (q, c) probabilities of (q, c) votes (Guo et al. 2017, temperature scaling)."""
    return softmax(np.log(cast), temperature)


def fit_temperature(cast: Doubles, codes: Codes) -> float:
    """Return the temperature under which (q, c) votes make the true (q,) codes likeliest."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: surprise(calibrated(cast, float(np.exp(log))), codes),
        bounds=(-2.0, 4.0),
        method="bounded",
    )
    return float(np.exp(found.x))


def surprise(probabilities: Doubles, codes: Codes) -> float:
    """Return the mean negative log likelihood of (q,) codes."""
    told = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(told, 1e-9)).mean())


def calibration_error(confidence: Doubles, right: Doubles) -> float:
    """Return how far (q,) confidences are from how often they are right, on average over ten bins
    of as many each (expected calibration error)."""
    bins = np.array_split(np.argsort(confidence, kind="stable"), _BINS)
    gaps = [abs(confidence[at].mean() - right[at].mean()) * len(at) for at in bins if len(at)]
    return float(sum(gaps) / len(confidence))


def nearest(queries: Vectors, known: Vectors, metric: Metric, *, same: bool = False) -> Doubles:
    """Return (q,) similarities of ``queries`` to the nearest of ``known``; if those are the
    ``same``, to the nearest other one."""
    best = np.empty(len(queries))
    step = max(1, 4_000_000 // len(known))
    for at in range(0, len(queries), step):
        near = similarities(queries[at : at + step], known, metric).astype(np.float64)
        if same:
            rows: Rows = np.arange(len(near))
            near[rows, rows + at] = -np.inf
        best[at : at + step] = near.max(axis=1)
    return best
