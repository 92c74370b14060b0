"""Contributions of places as people read them: a small grid that adds up, and an overlay."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from pydantic import BaseModel, Field

from indexer.attribution import Contributions
from models.preprocess import Mask

GRID, OVERLAY = 28, 448
Extent = tuple[float, float, float, float]
Size = tuple[int, int]
# A place with less of the picture's content under it than this is background.
_COVERED = 0.1
# What a place shows is divided by how much of its ground counts, but by no less than this.
_LEAST_COVERED = 0.25
_LEVELS = 100
_WARM = ((255, 220, 80), (255, 120, 30), (225, 20, 25))
_COOL = ((120, 170, 235), (30, 80, 190))
_WARM_ALPHA, _COOL_ALPHA = 200, 120
# Against the robust maximum: what is nearer to zero than this is not clearly negative.
_CLEARLY = 0.2


class HeatMap(BaseModel):
    """Where in a picture a similarity comes from.

    The sum of ``grid`` plus ``background`` is the picture's contribution to the similarity.
    """

    rows: int
    columns: int
    grid: list[list[float]] = Field(
        description="Contributions of places that show content, row by row from the top left."
    )
    extent: Extent = Field(
        description="Left, top, right and bottom of the grid in fractions of the upright picture; "
        "padding reaches outside 0 to 1."
    )
    background: float = Field(description="What all other places contribute together.")
    overlay: str | None = Field(
        description="A PNG in base64 to be laid over the whole upright picture: warm where it is "
        "alike, cool where it is clearly unlike. None if nothing is to be shown."
    )

    @property
    def total(self) -> float:
        """The picture's contribution to the similarity."""
        return float(np.sum(self.grid)) + self.background


@dataclass(frozen=True)
class Ground:
    """What a map lies on: (s, s) ``content``, True where the square shows any, the square's
    ``extent`` in fractions of the upright picture, and that picture's width and height."""

    content: Mask
    extent: Extent
    size: Size


def heat_map(
    maps: Sequence[Contributions], ground: Ground, shown: Sequence[Contributions] | None = None
) -> HeatMap:
    """Return (h, w) ``maps`` of one picture, one a pool, added up; the overlay is drawn from
    ``shown`` if that is something else."""
    grid, covered, background = _reduced(maps, ground.content)
    heat = grid if shown is None else _reduced(shown, ground.content)[0]
    return HeatMap(
        rows=grid.shape[0],
        columns=grid.shape[1],
        grid=[[round(value, 8) for value in row] for row in grid.tolist()],
        extent=ground.extent,
        background=round(background, 8),
        overlay=_overlay(heat, covered, ground),
    )


def _reduced(
    maps: Sequence[Contributions], content: Mask
) -> tuple[Contributions, Contributions, float]:
    """Return the grid, the share of each of its cells that content places cover, and the sum
    over all other places."""
    rows, columns = (min(GRID, max(part.shape[axis] for part in maps)) for axis in (0, 1))
    grid, covered = np.zeros((rows, columns)), np.zeros((rows, columns))
    background = 0.0
    for part in maps:
        counts = _mean(content.astype(np.float64), part.shape) >= _COVERED
        grid += _sum(np.where(counts, part, 0.0), grid.shape)
        covered += _mean(counts.astype(np.float64), grid.shape) / len(maps)
        background += float(part[~counts].sum())
    return grid, covered, background


def _sum(values: Contributions, shape: tuple[int, ...]) -> Contributions:
    """Return an (h, w) map as one of ``shape`` with the same sum, by the areas cells share."""
    down, across = (
        _shares(source, target) for source, target in zip(values.shape, shape, strict=True)
    )
    summed: Contributions = down @ values @ across.T
    return summed


def _mean(values: Contributions, shape: tuple[int, ...]) -> Contributions:
    return _sum(values, shape) * (np.prod(shape) / values.size)


def _shares(source: int, target: int) -> NDArray[np.float64]:
    """Return (target, source): how much of each source cell lies in each target cell."""
    ours, theirs = np.arange(target + 1)[:, None] / target, np.arange(source + 1) / source
    until, since = np.minimum(ours[1:], theirs[1:]), np.maximum(ours[:-1], theirs[:-1])
    shares: NDArray[np.float64] = np.maximum(until - since, 0.0) * source
    return shares


def _overlay(grid: Contributions, covered: Contributions, ground: Ground) -> str | None:
    scale = OVERLAY / max(ground.size)
    size = (max(1, round(ground.size[0] * scale)), max(1, round(ground.size[1] * scale)))
    inside = _laid(_outline(ground.content), ground.extent, size, Image.Resampling.BILINEAR)
    cells = np.abs(grid / np.maximum(covered, _LEAST_COVERED))[covered > 0]
    if not cells.any() or not inside.any():
        return None
    # The very hottest places would pale all others, unless there is nothing else.
    top = float(np.percentile(cells, 99)) or float(cells.max())
    heat, ground_covered = (
        _laid(values, ground.extent, size, Image.Resampling.BICUBIC) for values in (grid, covered)
    )
    heat /= np.maximum(ground_covered, _LEAST_COVERED)
    levels = np.clip(heat / top, -1, 1) * inside
    return _png(np.rint((levels + 1) * _LEVELS).astype(np.uint8))


def _outline(content: Mask) -> Contributions:
    """Return content in 0 to 1 without the specks that compression leaves around things."""
    image = Image.fromarray(content.astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    return np.asarray(image).astype(np.float64)


def _laid(
    values: Contributions, extent: Extent, size: Size, resampling: Image.Resampling
) -> NDArray[np.float64]:
    """Return what (h, w) ``values`` over ``extent`` are at each pixel of a picture of ``size``;
    zero where they do not reach."""
    # A cell of margin, or the outer half of the outermost cells would fade.
    framed = Image.fromarray(np.pad(values, 1, mode="edge").astype(np.float32))
    across = values.shape[1] / ((extent[2] - extent[0]) * size[0])
    down = values.shape[0] / ((extent[3] - extent[1]) * size[1])
    left, top = extent[0] * size[0], extent[1] * size[1]
    where = (across, 0, 1 - left * across, 0, down, 1 - top * down)
    laid = framed.transform(size, Image.Transform.AFFINE, where, resampling)
    return np.asarray(laid).astype(np.float64)


def _png(levels: NDArray[np.uint8]) -> str:
    """Return a PNG in base64 of levels 0 (unlike) to 2 * _LEVELS (alike); a palette keeps it
    small."""
    colors, alphas = _ramp()
    image = Image.fromarray(levels)
    image.putpalette(colors.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, transparency=alphas.tobytes())
    return base64.b64encode(buffer.getvalue()).decode()


def _ramp() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (levels, 3) colors and (levels,) opacities of -1 to 1."""
    at = np.arange(2 * _LEVELS + 1) / _LEVELS - 1
    colors = np.where((at > 0)[:, None], _between(_WARM, at), _between(_COOL, -at))
    warm = _WARM_ALPHA * np.sqrt(np.maximum(at, 0)) * np.minimum(np.abs(at) * 4, 1)
    cool = _COOL_ALPHA * np.maximum(-at - _CLEARLY, 0) / (1 - _CLEARLY)
    return np.rint(colors).astype(np.uint8), np.rint(warm + cool).astype(np.uint8)


def _between(colors: Sequence[tuple[int, int, int]], at: NDArray[np.float64]) -> Contributions:
    stops = np.linspace(0, 1, len(colors))
    channels = [np.interp(at, stops, [color[c] for color in colors]) for c in range(3)]
    return np.stack(channels, axis=1)
