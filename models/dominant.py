"""The dominant colors of a picture: k-means in OKLab over a coarse histogram of its foreground."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.colors import ColorName, color_name, format_color, to_lab
from models.oklab import Array
from models.preprocess import Mask, Pixels, near_content

# Lightness counts less than hue and chroma: folds and light change it within one dye.
_LIGHTNESS = 0.5
# Closer than this, two clusters are shades of one color.
_SAME = 0.06
_LEAST = 0.03
_CLUSTERS, _ROUNDS = 8, 4
# Bits a channel of the histogram: 32,768 bins, each 8 values of a channel wide.
_BITS = 5


Packed = NDArray[np.int32]
Means = NDArray[np.float64]


@dataclass(frozen=True)
class Dominant:
    """One color of a picture: its share 0..1 of the foreground, ``#rrggbb``, its basic name."""

    weight: float
    hex: str
    name: ColorName


def dominant_colors(
    pixels: Pixels, content: Mask | None, white: int, most: int = 5
) -> tuple[Dominant, ...]:
    """Return up to ``most`` colors of (h, w, 3) sRGB ``pixels``, the largest share first.

    Only what counts is looked at: ``content`` (h, w), or what is not near-white; all of it, if
    that is nothing. Shades of one color are one; those below 3 % are left out, and the shares of
    the others sum to 1.
    """
    counted = _packed(pixels)[_foreground(pixels, content, white)]
    bins = _bins(counted)
    counts = np.bincount(bins, minlength=1 << 3 * _BITS)
    used = np.flatnonzero(counts)
    # As wide as an index: `bincount` would make it so, again for each sum.
    group_of_bin = np.zeros(len(counts), np.intp)
    group_of_bin[used] = _groups(_bin_colors()[used], counts[used].astype(np.float32))
    groups = group_of_bin[bins]
    sizes = np.bincount(groups)
    order = np.argsort(-sizes, kind="stable")[:most]
    kept = [one for one in order if sizes[one] >= _LEAST * len(groups)] or order[:1]
    means = _means(counted, groups, sizes)
    return tuple(
        Dominant(weight, format_color(means[one]), color_name(to_lab(np.rint(means[one]))))
        for weight, one in zip(_shares(sizes[kept]), kept, strict=True)
    )


def _means(counted: Packed, groups: NDArray[np.intp], sizes: NDArray[np.int64]) -> Means:
    """Return the mean sRGB (k, 3) of each group; of an empty one, zero."""
    sums = [np.bincount(groups, (counted >> shift) & 255) for shift in (16, 8, 0)]
    return np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]


def _shares(sizes: NDArray[np.int64]) -> list[float]:
    """Return sizes as shares of four digits that sum to 1; the first takes what rounding left."""
    shares = [round(float(one), 4) for one in sizes / sizes.sum()]
    return [round(1 - sum(shares[1:]), 4), *shares[1:]]


def _foreground(pixels: Pixels, content: Mask | None, white: int) -> Mask:
    """Return (h, w) what counts, without its outermost pixels, which are blends with what is
    beside it; with them where little else is there, and everything where nothing counts."""
    counts = near_content(pixels, white) if content is None else content
    inner = counts.copy()
    inner[1:] &= counts[:-1]
    inner[:-1] &= counts[1:]
    inner[:, 1:] &= counts[:, :-1]
    inner[:, :-1] &= counts[:, 1:]
    if 2 * np.count_nonzero(inner) >= np.count_nonzero(counts) > 0:
        return inner
    return counts if counts.any() else np.ones_like(counts)


def _packed(pixels: Pixels) -> Packed:
    """Return (…) the three channels of (…, 3) pixels in one number, 0xRRGGBB."""
    wide = pixels.astype(np.int32)
    packed: Packed = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _bins(packed: Packed) -> Packed:
    """Return the bin (n,) of each color: the upper bits of its channels, side by side."""
    drop = 8 - _BITS
    top = (1 << _BITS) - 1
    bins = (packed >> 16 + drop) & top
    for shift in (8 + drop, drop):
        bins = (bins << _BITS) | ((packed >> shift) & top)
    return bins


@cache
def _bin_colors() -> Array:
    """Return OKLab (bins, 3) of each bin's middle, lightness scaled to count less."""
    middles = (np.arange(1 << _BITS) + 0.5) * (1 << 8 - _BITS) - 0.5
    grid = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
    return to_lab(grid.reshape(-1, 3)) * np.array([_LIGHTNESS, 1, 1], np.float32)


def _groups(colors: Array, counts: Array) -> NDArray[np.uint8]:
    """Return the group (n,) of each of (n, 3) colors that occur ``counts`` (n,) times."""
    centers = _seeds(colors, counts)
    weighted = np.column_stack((counts, colors * counts[:, None]))
    for _ in range(_ROUNDS):
        sums = _members(_nearest(colors, centers), len(centers)).T @ weighted
        sums = sums[sums[:, 0] > 0]
        centers = sums[:, 1:] / sums[:, :1]
    nearest = _nearest(colors, centers)
    sums = _members(nearest, len(centers)).T @ weighted
    return _merged(sums)[nearest]


def _seeds(colors: Array, counts: Array) -> Array:
    """Return (k, 3) centers to begin with: the most frequent color, then each time the one that
    the ones before leave the largest error to."""
    chosen = [int(np.argmax(counts))]
    error = np.full(len(colors), np.inf, np.float32)
    while len(chosen) < _CLUSTERS:
        error = np.minimum(error, ((colors - colors[chosen[-1]]) ** 2).sum(axis=1))
        weighted = error * counts
        worst = int(np.argmax(weighted))
        if weighted[worst] <= 0:
            break
        chosen.append(worst)
    return colors[chosen]


def _nearest(colors: Array, centers: Array) -> NDArray[np.intp]:
    # Squares of distances, but for the square of the color itself: it is the same for all centers.
    distances: Array = (centers**2).sum(axis=1) - 2 * colors @ centers.T
    nearest: NDArray[np.intp] = distances.argmin(axis=1)
    return nearest


def _members(nearest: NDArray[np.intp], groups: int) -> Array:
    """Return (n, groups) 1 where a color belongs to a cluster, else 0."""
    members: Array = (nearest[:, None] == np.arange(groups)).astype(np.float32)
    return members


def _merged(sums: Array) -> NDArray[np.uint8]:
    """Return the group (k,) of each cluster: the two nearest become one as long as they are the
    same color. ``sums`` (k, 4) holds counts and sums of colors."""
    sums, group = sums.astype(np.float64), np.arange(len(sums), dtype=np.uint8)
    alive = list(np.flatnonzero(sums[:, 0] > 0))
    while len(alive) > 1:
        centers = sums[alive, 1:] / sums[alive, :1]
        gaps = np.linalg.norm(centers[:, None] - centers, axis=-1)
        np.fill_diagonal(gaps, np.inf)
        at = divmod(int(np.argmin(gaps)), len(alive))
        if gaps[at] >= _SAME:
            break
        into, gone = alive[at[0]], alive[at[1]]
        sums[into] += sums[gone]
        group[group == gone] = into
        alive.remove(gone)
    return group
