"""Colors as people write and name them: hex, CSS names, twelve basic names."""

import re
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

from models.errors import ColorError, shorten
from models.oklab import Array, decode_srgb, lab_from_linear

RGB = tuple[int, int, int]
ColorName = Literal[
    "black", "white", "grey", "red", "orange", "yellow",
    "green", "blue", "purple", "pink", "brown", "beige",
]  # fmt: skip
COLOR_NAMES: tuple[ColorName, ...] = get_args(ColorName)

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def parse_color(text: str) -> RGB:
    """Return the sRGB of ``#7a1f2b``, ``#abc`` or a CSS color name; raises ColorError."""
    if not _HEX.fullmatch(text) and text.lower() not in ImageColor.colormap:
        raise ColorError(
            f"color {shorten(text)!r}: expected a hex value such as #7a1f2b or #abc, "
            "or a CSS color name such as teal"
        )
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue


def format_color(rgb: npt.ArrayLike) -> str:
    """Return (3,) sRGB in 0..255, rounded, as ``#rrggbb``."""
    red, green, blue = np.clip(np.rint(np.asarray(rgb, dtype=np.float64)), 0, 255).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def to_lab(rgb: npt.ArrayLike) -> Array:
    """Return OKLab (…, 3) of sRGB (…, 3) in 0..255."""
    return lab_from_linear(decode_srgb(rgb))


def color_name(lab: npt.ArrayLike) -> ColorName:
    """Return the basic name of an OKLab color (3,).

    Black, white and grey are what has next to no chroma; the rest is told by hue, and within a
    hue by lightness and chroma: brown is dark orange, beige pale orange, pink light red.
    """
    lightness, a, b = (float(part) for part in np.asarray(lab))
    chroma, hue = float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a))) % 360
    return _neutral(lightness, chroma, hue) or _chromatic(lightness, chroma, hue)


# Lightness below which a color is black, if it has no chroma, and the chroma that is never black.
_BLACK_LIGHTNESS, _BLACK_CHROMA = 0.35, 0.11
_WHITE_LIGHTNESS = 0.92


def _neutral(lightness: float, chroma: float, hue: float) -> ColorName | None:
    if (lightness / _BLACK_LIGHTNESS) ** 2 + (chroma / _BLACK_CHROMA) ** 2 < 1:
        return "black"
    if chroma < _grey_chroma(lightness, hue):
        return "white" if lightness >= _WHITE_LIGHTNESS else "grey"
    return None


def _grey_chroma(lightness: float, hue: float) -> float:
    """Return the chroma below which a color is grey.

    A trace of warmth is seen, and named brown or beige; a trace of blue, the tint of daylight,
    hardly is. A pastel has less chroma than a dark tone that is still called grey.
    """
    if 30 <= hue < 112:
        return 0.02
    if 190 <= hue < 290:
        return 0.055 - 0.03 * lightness
    return 0.045 - 0.025 * lightness


def _chromatic(lightness: float, chroma: float, hue: float) -> ColorName:
    """Name by hue in degrees: sRGB's red lies at 29, yellow at 110, green at 142, blue at 264."""
    if hue < 8 or hue >= 345:
        return "pink" if lightness > 0.55 else "red" if hue < 8 else "purple"
    if hue < 38:
        return _reddish(lightness, chroma)
    if hue < 78:
        return _orangish(lightness, chroma)
    if hue < 118:
        return _yellowish(lightness, chroma, hue)
    # Dark cyan is teal, nearer to green; light cyan is aqua, nearer to blue.
    if hue < (198 if lightness < 0.75 else 190):
        return "green"
    if hue < 288:
        return "blue"
    return "pink" if hue >= 318 and lightness > 0.72 else "purple"


def _reddish(lightness: float, chroma: float) -> ColorName:
    if lightness > 0.62 and chroma < 0.19:
        return "pink"
    return "brown" if chroma < 0.065 else "red"


def _orangish(lightness: float, chroma: float) -> ColorName:
    if lightness < min(0.72, 0.9 - 1.7 * chroma):
        return "brown"
    return "beige" if chroma < 0.1 else "orange"


def _yellowish(lightness: float, chroma: float, hue: float) -> ColorName:
    # The very lightest are the tints of a yellow that is nearly white itself.
    if chroma < 0.085 and 0.72 <= lightness < 0.975:
        return "beige"
    if lightness < 0.68:
        return "brown" if hue < 98 else "green"
    return "yellow"
