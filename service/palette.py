"""The dominant colors of one picture, as the API and the shell show them."""

from collections.abc import Iterable

from pydantic import BaseModel, Field

from models.colors import ColorName
from models.dominant import Dominant, dominant_colors
from models.images import Limits, decode
from models.preprocess import Preprocess, to_square

DEFAULT_COLORS, MAX_COLORS = 5, 8


class PaletteColor(BaseModel):
    """One of a picture's dominant colors."""

    rank: int = Field(description="1 for the color that covers most.")
    weight: float = Field(description="Its share of the foreground, 0 to 1.")
    hex: str = Field(description="The mean of its pixels in sRGB, as #rrggbb.")
    name: ColorName = Field(description="Its basic name.")


class Palette(BaseModel):
    """A picture's dominant colors, the largest share first; the shares sum to 1."""

    colors: list[PaletteColor]


def extract_palette(
    data: bytes, limits: Limits, preprocess: Preprocess, most: int = DEFAULT_COLORS
) -> Palette:
    """Return up to ``most`` dominant colors of the picture in ``data``, looked at as a build
    does.

    Raises PictureError if it is no picture.
    """
    square = to_square(decode(data, limits, preprocess.decode_at_least), preprocess)
    return Palette(colors=rank_colors(dominant_colors(square, None, preprocess.white, most)))


def rank_colors(colors: Iterable[Dominant]) -> list[PaletteColor]:
    """Return colors, given the largest first, with their ranks."""
    return [
        PaletteColor(rank=rank, weight=one.weight, hex=one.hex, name=one.name)
        for rank, one in enumerate(colors, start=1)
    ]
