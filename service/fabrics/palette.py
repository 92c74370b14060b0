"""The ten dyes: an anchor for each name, its jitter, and the second tones it may carry."""

from dataclasses import dataclass

import numpy as np

from models.oklab import Array, decode_srgb, lab_from_linear


@dataclass(frozen=True)
class Shade:
    """A second tone: OKLab lightness, chroma as a multiple of the base, and mean drift allowed."""

    lightness: float
    chroma: float
    drift: float


@dataclass(frozen=True)
class Dye:
    """A named color: its sRGB anchor, largest hue shift in degrees, and possible second tones."""

    anchor: tuple[int, int, int]
    hue: float
    shades: tuple[Shade, ...]


@dataclass(frozen=True)
class Swatch:
    """One picture's two tones in OKLab."""

    base: Array
    second: Array


# Drift is tight where a lighter or darker mean would earn another name:
# red and white average to pink, orange and black to brown, yellow and black to olive.
DYES: dict[str, Dye] = {
    "red": Dye((200, 28, 36), 5, (Shade(0.26, 0.45, 0.10), Shade(0.93, 0.20, 0.075))),
    "orange": Dye((240, 122, 22), 5, (Shade(0.96, 0.25, 0.10), Shade(0.46, 0.85, 0.065))),
    "yellow": Dye((246, 206, 40), 5, (Shade(0.98, 0.20, 0.10), Shade(0.45, 0.60, 0.08))),
    "green": Dye((40, 138, 66), 9, (Shade(0.92, 0.45, 0.115), Shade(0.26, 0.50, 0.12))),
    "blue": Dye((34, 84, 186), 7, (Shade(0.94, 0.20, 0.125), Shade(0.22, 0.50, 0.12))),
    "purple": Dye((118, 54, 160), 6, (Shade(0.92, 0.25, 0.12), Shade(0.22, 0.50, 0.12))),
    "pink": Dye((242, 132, 174), 6, (Shade(0.97, 0.20, 0.11), Shade(0.52, 1.35, 0.08))),
    "brown": Dye((112, 68, 38), 7, (Shade(0.20, 0.60, 0.10), Shade(0.85, 0.80, 0.085))),
    "grey": Dye((136, 137, 140), 0, (Shade(0.96, 1.00, 0.13), Shade(0.26, 1.00, 0.12))),
    "black": Dye((27, 27, 30), 0, (Shade(0.68, 1.00, 0.08), Shade(0.48, 1.00, 0.08))),
}
COLORS: tuple[str, ...] = tuple(DYES)

_LIGHTNESS_JITTER = 0.025
_CHROMA_JITTER = 0.08
_CLEAR = 0.19


def anchor_lab(color: str) -> Array:
    """The OKLab anchor (3,) of a color; KeyError for a name outside COLORS."""
    return lab_from_linear(decode_srgb(DYES[color].anchor))


def swatch(color: str, share: float, darker: bool, rng: np.random.Generator) -> Swatch:
    """A jittered pair of tones whose second covers `share` 0..1 of the cloth.

    `darker` asks for the darkest second tone the dye has. KeyError for a name outside COLORS.
    """
    dye = DYES[color]
    lightness, a, b = (float(part) for part in anchor_lab(color))
    lightness += rng.uniform(-_LIGHTNESS_JITTER, _LIGHTNESS_JITTER)
    chroma = float(np.hypot(a, b)) * rng.uniform(1 - _CHROMA_JITTER, 1 + _CHROMA_JITTER)
    hue = float(np.arctan2(b, a)) + np.radians(rng.uniform(-dye.hue, dye.hue))
    base = _from_polar(lightness, chroma, hue)
    shades = dye.shades
    if darker:
        shades = (min(shades, key=lambda shade: shade.lightness),)
    seconds = [
        _settled(base, _from_polar(shade.lightness, chroma * shade.chroma, hue), shade.drift, share)
        for shade in shades
    ]
    return Swatch(base, _chosen(base, seconds, rng))


def _settled(base: Array, second: Array, drift: float, share: float) -> Array:
    """The second tone, drawn toward the base until the mean moves no more than `drift`."""
    gap = second - base
    moved = share * float(np.linalg.norm(gap))
    return base + gap * np.float32(min(1.0, drift / max(moved, 1e-6)))


def _chosen(base: Array, seconds: list[Array], rng: np.random.Generator) -> Array:
    """One of the second tones that still stand out from the base, or the one that does most."""
    pick = rng.random()
    apart = [float(np.linalg.norm(second - base)) for second in seconds]
    clear = [at for at, gap in enumerate(apart) if gap >= _CLEAR] or [int(np.argmax(apart))]
    return seconds[clear[int(pick * len(clear))]]


def _from_polar(lightness: float, chroma: float, hue: float) -> Array:
    """OKLab (3,) for a lightness, chroma and hue in radians."""
    return np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], dtype=np.float32)
