"""The flat plane patterns are drawn on, and the softened shapes they are drawn with."""

from dataclasses import dataclass

import numpy as np

from models.oklab import Array


@dataclass(frozen=True)
class Plane:
    """Cloth coordinates u and v in pattern repeats, and the width of one pixel in repeats."""

    u: Array
    v: Array
    pixel: float


def edge(depth: Array, pixel: float) -> Array:
    """Coverage 0..1 for a signed depth inside a shape, softened over 1.5 pixels."""
    covered: Array = np.clip(depth / np.float32(1.5 * pixel) + np.float32(0.5), 0, 1)
    return covered


def fold(phase: Array) -> Array:
    """Distance 0..0.5 from each value to the nearest whole number."""
    distance: Array = np.abs(phase - np.rint(phase))
    return distance


def band(phase: Array, width: float, pixel: float) -> Array:
    """Coverage of bands centered on whole phases, `width` of each period wide."""
    return edge(np.float32(width / 2) - fold(phase), pixel)
