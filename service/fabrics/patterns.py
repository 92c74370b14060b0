"""The ten patterns, each a rule from plane coordinates to second-tone coverage."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.oklab import Array

from .lattice import cells, noise
from .plane import Plane, band, edge, fold


@dataclass(frozen=True)
class Pattern:
    """A pattern's rule, the range of repeats across a picture, and whether it wants dark marks."""

    draw: Callable[[Plane, np.random.Generator], Array]
    repeats: tuple[float, float]
    darker: bool = False


def stripes(plane: Plane, rng: np.random.Generator) -> Array:
    """Parallel bands, sometimes flanked by a pinstripe."""
    wide = rng.uniform(0.3, 0.5)
    bands = band(plane.u, wide, plane.pixel)
    if rng.random() < 0.4:
        bands = bands + band(plane.u + np.float32(0.5), 0.09, plane.pixel)
    return bands


def gingham(plane: Plane, rng: np.random.Generator) -> Array:
    """Crossing bands of equal weight: bare, half-covered and fully covered squares."""
    width = rng.uniform(0.44, 0.52)
    across = band(plane.u, width, plane.pixel)
    return (across + band(plane.v, width, plane.pixel)) * np.float32(0.5)


def dots(plane: Plane, rng: np.random.Generator) -> Array:
    """Round spots on a staggered grid."""
    radius = rng.uniform(0.23, 0.31)
    rows = plane.v / np.float32(0.866)
    row = np.floor(rows)
    x = fold(plane.u + np.float32(0.5) * np.mod(row, np.float32(2)))
    y = (rows - row - np.float32(0.5)) * np.float32(0.866)
    return edge(np.float32(radius) - np.hypot(x, y), plane.pixel)


def herringbone(plane: Plane, rng: np.random.Generator) -> Array:
    """Columns of slanted slabs that lean the other way, half a slab out of step, next door."""
    slabs = rng.uniform(2.2, 3.0)
    column: Array = np.floor(plane.u)
    odd: Array = np.mod(column, np.float32(2))
    inner = plane.u - column
    rise = np.where(odd > 0, 1 - inner, inner)
    phase = (plane.v + rise) * np.float32(slabs) + np.float32(0.5) * odd
    slab = band(phase, 0.5, plane.pixel * slabs * 1.4)
    seam = band(plane.u, 0.05, plane.pixel)
    return slab * (1 - seam) + seam * np.float32(0.6)


def zigzag(plane: Plane, rng: np.random.Generator) -> Array:
    """Unbroken chevron bands with sharp corners."""
    rise = rng.uniform(0.9, 1.3)
    phase = plane.v + np.float32(rise) * fold(plane.u * np.float32(0.8))
    return band(phase, rng.uniform(0.38, 0.5), plane.pixel * 1.3)


def houndstooth(plane: Plane, rng: np.random.Generator) -> Array:
    """Four light and four dark threads each way under a 2/2 twill: checks with teeth."""
    flip = 1 if rng.random() < 0.5 else -1
    total = np.zeros(plane.u.shape, dtype=np.float32)
    for right, down in ((-0.375, -0.125), (-0.125, 0.375), (0.125, -0.375), (0.375, 0.125)):
        warp = np.floor(plane.u * 8 + np.float32(8 * right * plane.pixel)).astype(np.int32)
        weft = np.floor(plane.v * 8 + np.float32(8 * down * plane.pixel)).astype(np.int32)
        raised = ((warp + flip * weft) & 3) < 2
        total += np.where(raised, (warp & 7) < 4, (weft & 7) < 4)
    return total * np.float32(0.25)


def leopard(plane: Plane, rng: np.random.Generator) -> Array:
    """Broken blotchy rings around shaded hearts, one rosette to a cell."""
    u = plane.u + np.float32(0.2) * noise(plane.u * 2, plane.v * 2, rng)
    v = plane.v + np.float32(0.2) * noise(plane.u * 2, plane.v * 2, rng)
    near, far = cells(u, v, 0.75, rng)
    # Measured against the cell's own border, a rosette fills its cell whatever the cell's shape.
    reach = near / (near + far) * 2
    blotch = noise(plane.u * 3.6, plane.v * 3.6, rng)
    thick = np.float32(0.1) + np.float32(0.24) * blotch
    ring = edge(thick - np.abs(reach - np.float32(0.6)), plane.pixel * 2)
    heart = edge(np.float32(0.58) - reach, plane.pixel * 3)
    inside: Array = np.maximum(ring, heart * np.float32(0.3))
    return inside


def cracks(plane: Plane, rng: np.random.Generator) -> Array:
    """A net of cell borders that swells and thins, over a fainter, finer net."""
    u = plane.u + np.float32(0.07) * noise(plane.u * 3, plane.v * 3, rng)
    v = plane.v + np.float32(0.07) * noise(plane.u * 3, plane.v * 3, rng)
    near, far = cells(u, v, 0.8, rng)
    swell = np.float32(0.08) + np.float32(0.04) * noise(plane.u, plane.v, rng)
    net = edge(swell - (far - near), plane.pixel * 2)
    near, far = cells(u * np.float32(2.3), v * np.float32(2.3), 0.85, rng)
    fine = edge(np.float32(0.06) - (far - near), plane.pixel * 5)
    veins: Array = np.maximum(net, fine * np.float32(0.28))
    return veins


def waves(plane: Plane, rng: np.random.Generator) -> Array:
    """Flowing bands that rise and fall in smooth curves."""
    height = rng.uniform(0.28, 0.42)
    sway = np.float32(1.8) * noise(plane.u * 0.3, plane.v * 0.3, rng)
    curve: Array = np.sin(plane.u * np.float32(0.55 * 2 * np.pi) + sway)
    return band(plane.v + np.float32(height) * curve, rng.uniform(0.36, 0.48), plane.pixel * 1.2)


def plain(plane: Plane, rng: np.random.Generator) -> Array:
    """No second tone at all: the weave alone."""
    return np.zeros_like(plane.u)


TABLE: dict[str, Pattern] = {
    "stripes": Pattern(stripes, (5, 12)),
    "gingham": Pattern(gingham, (4, 9)),
    "dots": Pattern(dots, (5, 10)),
    "herringbone": Pattern(herringbone, (4, 8)),
    "zigzag": Pattern(zigzag, (5, 9)),
    "houndstooth": Pattern(houndstooth, (3.5, 7)),
    "leopard": Pattern(leopard, (4.5, 8), darker=True),
    "cracks": Pattern(cracks, (3.5, 7)),
    "waves": Pattern(waves, (5, 9)),
    "plain": Pattern(plain, (1, 2)),
}
PATTERNS: tuple[str, ...] = tuple(TABLE)
