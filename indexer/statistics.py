"""Statistics of a catalog: the mean of its pools, and the directions in which they spread.

A few directions that all pictures differ in, how light they are say, drown what else there is. A
branch that is whitened evens them out, but not altogether as full whitening would, which lifts
noise to the height of what counts: the spread p along each principal direction becomes p^(1 - e),
with the one exponent e for which its participation ratio, (sum p)^2 / sum p^2, is what the branch
asks for. Neither labels nor other pictures are needed, and few items suffice for one number.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.branches import Affine, Branch, unit
from models.extraction import RawPools, Vectors

Doubles = NDArray[np.float64]
Batches = Callable[[], Iterable[RawPools]]
# Directions with less than this share of the widest one's spread are noise.
_FLOOR = 1e-4
# How far spread may be evened out, or, below zero, made more uneven.
_MOST, _LEAST = 0.9, -0.6
_HALVINGS = 40


def fit_branch(branch: Branch, batches: Batches) -> Branch:
    """Return ``branch`` with the layers that its method takes of the pools in ``batches``; itself
    if there are none."""
    mean = _mean(branch.joined(raw) for raw in batches())
    if mean is None:
        return branch
    if branch.method == "centred":
        return replace(branch, layers=(Affine(mean.astype(np.float32)),))
    return replace(branch, layers=_whitened(branch, mean.astype(np.float32), batches))


def color_probe(flat: Vectors) -> Affine:
    """Return what weighs directions by how much colors differ in them.

    ``flat`` is (n, d): what pictures of one color each come to. The spread of colors along a
    principal direction, as a share of the widest, is by what it is scaled: what no color changes,
    edges and shapes, is dropped.
    """
    flat = flat.astype(np.float64)
    spread, directions = np.linalg.eigh(np.cov(flat.T))
    gains = np.sqrt(np.maximum(spread, 0) / max(spread[-1], np.finfo(np.float64).tiny))
    matrix = (directions * gains) @ directions.T
    return Affine(np.zeros(len(matrix), np.float32), matrix.astype(np.float32))


def spread_out(spread: Doubles, wanted: float) -> float:
    """Return the exponent e for which ``spread``, falling, to the power 1 - e has a participation
    ratio of ``wanted``, or the nearest there is."""

    def ratio(exponent: float) -> float:
        powers = (spread / spread[0]) ** (1 - exponent)
        return float(powers.sum() ** 2 / (powers**2).sum())

    low, high = _LEAST, _MOST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if ratio(middle) < wanted else (low, middle)
    return low


def _whitened(branch: Branch, mean: Vectors, batches: Batches) -> tuple[Affine, Affine]:
    first = Affine(mean, None if branch.probe is None else branch.probe.matrix)
    total, products, count = np.zeros(first.width), np.zeros((first.width, first.width)), 0
    for raw in batches():
        rows = unit(first(branch.joined(raw))).astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
        count += len(rows)
    middle = total / count
    spread, directions = np.linalg.eigh(products / count - np.outer(middle, middle))
    spread, directions = spread[::-1], directions[:, ::-1]
    kept = int((spread > max(spread[0] * _FLOOR, np.finfo(np.float32).tiny)).sum())
    kept = min(kept, branch.width)
    matrix = np.zeros((first.width, branch.width))
    if kept:
        exponent = spread_out(spread[:kept], branch.spread) if branch.spread else 0.0
        gains = (spread[:kept] / spread[0]) ** (-exponent / 2)
        matrix[:, :kept] = _signed(directions[:, :kept]) * gains
    second = Affine(middle.astype(np.float32), matrix.astype(np.float32))
    return first, second


def _signed(directions: Doubles) -> Doubles:
    """Return directions, one a column, each turned so that its largest part is above zero: which
    way an eigenvector points is chance."""
    largest = np.abs(directions).argmax(axis=0)
    signs: Doubles = np.sign(directions[largest, np.arange(directions.shape[1])])
    return directions * signs


def _mean(rows: Iterable[Vectors]) -> Doubles | None:
    total: Doubles | None = None
    count = 0
    for some in rows:
        part = some.sum(axis=0, dtype=np.float64)
        total, count = (part if total is None else total + part), count + len(some)
    return None if total is None or not count else total / count
