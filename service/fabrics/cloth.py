"""The cloth under the pattern: folds, light, weave and the camera's own noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.oklab import Array, encode_srgb

from .lattice import noise

_FOLDS = 4
_SENSOR_NOISE = 2.2
_SHEEN = 0.028
_SHOULDER = 0.65


@dataclass(frozen=True)
class Drape:
    """Cloth coordinates x and y in picture widths after folding, and the light on each pixel."""

    x: Array
    y: Array
    light: Array


def drape(size: int, rng: np.random.Generator) -> Drape:
    """A softly folded, unevenly lit sheet (size, size); the light averages 1."""
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = np.meshgrid(axis - np.float32(0.5), axis - np.float32(0.5))
    height = _folds(x, y, rng)
    step = np.float32(size)
    slope_y, slope_x = (np.asarray(part) * step for part in np.gradient(height))
    toward = rng.uniform(0, 2 * np.pi)
    east, south = np.float32(np.cos(toward)), np.float32(np.sin(toward))
    slope = slope_x * east + slope_y * south
    falloff = np.float32(rng.uniform(0.12, 0.3)) * (x * east + y * south)
    vignette = np.float32(0.16) * (x * x + y * y)
    light = np.exp(np.float32(1.15) * slope + falloff - vignette)
    light /= light.mean()
    pull = np.float32(0.06)
    return Drape(x + pull * slope_x, y + pull * slope_y, light.astype(np.float32))


def lit(linear: Array, light: Array) -> Array:
    """Linear light (h, w, 3) leaving cloth of color `linear` under `light` (h, w) around 1."""
    # Lit slopes return a little white of their own: without it, folds in black cloth vanish.
    sheen = np.float32(_SHEEN) * np.maximum(light - 1, 0)
    seen = linear * light[..., None] + sheen[..., None]
    # A hard clip would flatten the folds of bright dyes, whose red is nearly full already.
    room = np.float32(1 - _SHOULDER)
    over = np.maximum(seen - np.float32(_SHOULDER), 0)
    rolled: Array = np.minimum(seen, np.float32(_SHOULDER)) + over / (1 + over / room)
    return rolled


def _folds(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Height of a few long bent ridges that share a rough direction, over a gentle swell."""
    lie = rng.uniform(0, np.pi)
    height = np.zeros_like(x)
    for _ in range(_FOLDS):
        angle = lie + rng.normal(0, 0.35)
        east, south = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = x * east + y * south
        bend = np.float32(rng.uniform(0.03, 0.1)) * np.sin(
            along * np.float32(rng.uniform(3, 7)) + np.float32(rng.uniform(0, 6.3))
        )
        across = y * east - x * south + bend - np.float32(rng.uniform(-0.55, 0.55))
        width = np.float32(rng.uniform(0.07, 0.18))
        ridge = np.exp(-((across / width) ** 2)) * width
        height += np.float32(rng.choice((-1, 1)) * rng.uniform(0.1, 0.36)) * ridge
    return height


def weave(u: Array, v: Array, threads: float, rng: np.random.Generator) -> Array:
    """Relative brightness around 1 of an over-under weave, `threads` to a unit of u and v."""
    warp, weft = u * np.float32(threads), v * np.float32(threads)
    bumps = np.cos(warp * np.float32(np.pi)) * np.cos(weft * np.float32(np.pi))
    slubs = rng.normal(0, 1, (2, 256)).astype(np.float32)
    # A thread keeps its own thickness along its whole length, which is what makes linen look woven.
    uneven = slubs[0][np.floor(warp).astype(np.int32) & 255]
    uneven = uneven + slubs[1][np.floor(weft).astype(np.int32) & 255]
    depth = np.float32(rng.uniform(0.07, 0.13))
    wear = noise(u * 9 + 16, v * 9 + 16, rng) + noise(u * 22 + 16, v * 22 + 16, rng)
    relief: Array = 1 + depth * bumps + np.float32(rng.uniform(0.02, 0.04)) * uneven
    return relief + np.float32(0.025) * wear


def expose(linear: Array, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Eight-bit sRGB (h, w, 3) for linear light (h, w, 3), with sensor noise."""
    encoded = encode_srgb(linear)
    grain = rng.standard_normal(linear.shape[:2], dtype=np.float32)
    encoded += np.float32(_SENSOR_NOISE) * grain[..., None]
    return np.clip(np.rint(encoded), 0, 255).astype(np.uint8)
