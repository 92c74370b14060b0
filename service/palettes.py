"""Palettes: colors rendered as pictures and embedded through the index's own network.

Each color is a picture of its own. A picture of several would give the mean of their pools,
weighted by area, and besides the response to the edges between them, which the garment asked for
need not have: so the pools are mixed instead, before root and centring.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from indexer.attribution import mixture, pooled
from indexer.spaces import Space
from models.colors import RGB, parse_color
from models.errors import ColorError
from models.extraction import LocalPools, PoolName, RawPools, Vectors
from service.batching import Runs
from service.errors import QueryError
from service.garment import draw_garments
from service.query import Swatch

# The attribute that palettes are for.
COLOR = "color"


def check_palette(palette: Sequence[Swatch], attribute: str | None, where: str) -> None:
    """Raise QueryError for a palette that is not a color's, or has no color or an unknown one."""
    if attribute != COLOR:
        raise QueryError(f"{where}: only the attribute {COLOR!r} takes a palette")
    if all(swatch.any is not None for swatch in palette):
        raise QueryError(f"{where}: all of it is any: expected at least one hex or name")
    for at, swatch in enumerate(palette):
        if swatch.any is None:
            try:
                _rgb(swatch)
            except ColorError as error:
                raise QueryError(f"{where}[{at}]: {error}") from error


def embed_color(color: RGB, pools: Sequence[PoolName], network: Runs, size: int) -> RawPools:
    """Return the raw pools of one color, (1, channels) each."""
    raw = network.extract(draw_garments(color, size), pools)
    return {name: one.mean(axis=0, keepdims=True) for name, one in raw.items()}


def colors_of(palette: Sequence[Swatch]) -> list[RGB]:
    """Return the colors of a palette that are not any, in order."""
    return [_rgb(swatch) for swatch in palette if swatch.any is None]


@dataclass(frozen=True)
class Mixed:
    """A palette's raw pools, one row a color; shares (n,) and the share of any sum to one."""

    raw: RawPools
    shares: Vectors
    any: float

    def pools(self, space: Space) -> RawPools:
        """Return the (1, channels) pools of a picture that has these colors in these shares."""
        return pooled(self.local(space))

    def plain(self) -> RawPools:
        """Return the (1, channels) pools of the colors alone, whatever the share of any is."""
        return pooled(mixture(self.raw, self.shares))

    def local(self, space: Space) -> LocalPools:
        """Return this as one picture whose places are its colors, and then any if it has a share
        that the space knows how to fill."""
        neutral = _neutral(space, {name: one.shape[1] for name, one in self.raw.items()})
        if neutral is None or not self.any:
            return mixture(self.raw, self.shares)
        rows = {name: np.concatenate([one, neutral[name]]) for name, one in self.raw.items()}
        return mixture(rows, np.append(self.shares, np.float32(self.any)))


def mix_palette(palette: Sequence[Swatch], colors: Sequence[RawPools]) -> Mixed:
    """Return the palette whose colors, those that are not any, have the pools ``colors``."""
    raw = {name: np.concatenate([one[name] for one in colors]) for name in colors[0]}
    total = sum(swatch.share for swatch in palette)
    shares = [swatch.share / total for swatch in palette if swatch.any is None]
    return Mixed(raw, np.array(shares, np.float32), 1 - sum(shares))


def _neutral(space: Space, widths: dict[PoolName, int]) -> RawPools | None:
    """Return the pools of no picture in particular: those that each branch takes for the mean."""
    found = {}
    for branch in space.branches:
        if not branch.layers:
            return None
        joined = branch.layers[0].shift
        parts = np.split(joined, np.cumsum([widths[name] for name in branch.pools])[:-1])
        for name, part in zip(branch.pools, parts, strict=True):
            found[name] = (np.sign(part) * part**2 if name in branch.rooted else part)[None]
    return found


def _rgb(swatch: Swatch) -> RGB:
    return parse_color(swatch.hex or swatch.name or "")


def swatch_picture(palette: Sequence[Swatch], size: int = 200) -> bytes:
    """Return a PNG of a palette, for people: bands as wide as the shares, any in hatched grey."""
    total = sum(swatch.share for swatch in palette)
    image = Image.new("RGB", (size, size), "#d9d9d9")
    draw = ImageDraw.Draw(image)
    for at in range(-size, size, 12):
        draw.line((at, size, at + size, 0), fill="#bdbdbd", width=3)
    left = 0.0
    for swatch in palette:
        right = left + size * swatch.share / total
        if swatch.any is None:
            draw.rectangle((round(left), 0, round(right), size), fill=_rgb(swatch))
        left = right
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
