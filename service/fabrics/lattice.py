"""Random fields over the plane: smooth value noise and jittered Voronoi cells."""

import numpy as np
import numpy.typing as npt

from models.oklab import Array

_SPAN = 64
_MASK = _SPAN - 1
_Index = npt.NDArray[np.int32]


def _split(values: Array) -> tuple[_Index, Array]:
    """Whole and fractional parts; the fractions lie in 0..1."""
    floor = np.floor(values)
    return floor.astype(np.int32), values - floor


def _eased(fraction: Array) -> Array:
    """Smoothstep of values in 0..1."""
    return fraction * fraction * (3 - 2 * fraction)


def noise(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Smooth noise in -1..1 shaped like u and v, one bump per unit."""
    knots = rng.uniform(-1, 1, (_SPAN, _SPAN)).astype(np.float32)
    column, x = _split(u)
    row, y = _split(v)
    x, y = _eased(x), _eased(y)
    left, right = column & _MASK, (column + 1) & _MASK
    top, bottom = row & _MASK, (row + 1) & _MASK
    upper = knots[top, left] * (1 - x) + knots[top, right] * x
    lower = knots[bottom, left] * (1 - x) + knots[bottom, right] * x
    mixed: Array = upper * (1 - y) + lower * y
    return mixed


def cells(u: Array, v: Array, jitter: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Distances to the nearest and second-nearest of one random seed point per unit square.

    `jitter` 0..1 moves the points from the middle of their squares to anywhere inside.
    """
    points = (0.5 + jitter * rng.uniform(-0.5, 0.5, (2, _SPAN, _SPAN))).astype(np.float32)
    column, x = _split(u)
    row, y = _split(v)
    first = np.full(u.shape, 9, dtype=np.float32)
    second = first.copy()
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            at = ((row + down) & _MASK) * _SPAN + ((column + across) & _MASK)
            dx = points[0].ravel()[at] + (across - x)
            dy = points[1].ravel()[at] + (down - y)
            squared = dx * dx + dy * dy
            np.minimum(second, np.maximum(first, squared), out=second)
            np.minimum(first, squared, out=first)
    return np.sqrt(first), np.sqrt(second)
