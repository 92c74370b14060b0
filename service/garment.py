"""A color as a catalog's camera would see it: a garment of that color on white, softly folded.

Measured against a flat patch and some forty other renderings (docs/quality.md): white around the
color helps wherever a space pools everywhere, lighter and darker shades help everywhere, and folds
help block 2, where a plain surface is rare.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.colors import RGB
from models.oklab import decode_srgb, encode_srgb, lab_from_linear, linear_from_lab
from models.preprocess import Pixels

# OKLab lightness: of the three pictures against the color, and of the folds, up and down.
_SHADES, _FOLDS = (-0.08, 0.0, 0.08), 0.05
# The right half of a T-shirt's outline, from the collar to the hem, in sides of the square from
# its middle; and the box of its neck.
_OUTLINE = ((0.10, -0.46), (0.20, -0.44), (0.48, -0.22), (0.38, -0.06), (0.28, -0.13), (0.29, 0.46))
_NECK = (-0.10, -0.56, 0.10, -0.36)
_SMOOTH = 4
_WAVES, _LONGEST, _SHORTEST = 12, 0.7, 10.0
# Turning by the golden angle spreads any number of directions evenly.
_GOLDEN = np.pi * (3 - np.sqrt(5))


def draw_garments(color: RGB, size: int) -> Pixels:
    """Return (3, size, size, 3): a darker, a true and a lighter garment of ``color``, sRGB."""
    lab = lab_from_linear(decode_srgb(color))
    shape = _shape(size)[..., None]
    drawn = []
    for shade in _SHADES:
        tone = np.tile(lab, (size, size, 1))
        # Clipped by itself first, so that black cloth keeps its folds.
        tone[..., 0] = np.clip(np.clip(lab[0] + shade, 0, 1) + _FOLDS * _folds(size), 0, 1)
        drawn.append(255 + shape * (encode_srgb(linear_from_lab(tone)) - 255))
    pixels: Pixels = np.rint(np.clip(np.stack(drawn), 0, 255)).astype(np.uint8)
    return pixels


@cache
def _shape(size: int) -> NDArray[np.float32]:
    """Return (size, size) in 0..1: how much of each pixel the garment covers."""
    large = size * _SMOOTH
    image = Image.new("L", (large, large), 0)
    draw = ImageDraw.Draw(image)
    outline = [*_OUTLINE, *((-x, y) for x, y in reversed(_OUTLINE))]
    draw.polygon([((x + 0.5) * large, (y + 0.5) * large) for x, y in outline], fill=255)
    draw.ellipse([(value + 0.5) * large for value in _NECK], fill=0)
    small = image.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


@cache
def _folds(size: int) -> NDArray[np.float64]:
    """Return (size, size), evenly spread over -1..1: waves of all lengths in all directions."""
    at = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(at, at)
    total = np.zeros((size, size))
    for wave in range(_WAVES):
        turn = wave * _GOLDEN
        # Seven and twelve have no common factor: every length comes once, in no order.
        part = (wave * 7 % _WAVES + 0.5) / _WAVES
        cycles = _LONGEST + part * (_SHORTEST - _LONGEST)
        along = x * np.cos(turn) + y * np.sin(turn)
        total += np.sin(2 * np.pi * cycles * along + 2.1 * wave * wave)
    ranks = np.argsort(np.argsort(total, axis=None, kind="stable"), kind="stable")
    return ((ranks + 0.5) / ranks.size * 2 - 1).reshape(total.shape)
