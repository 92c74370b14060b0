"""A picture to the square of pixels the network sees, as the paper's reference code does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.images import WHITE

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Preprocess:
    """The part of a recipe between a decoded picture and the network.

    ``white`` is the least value of all three channels that counts as near-white background.
    ``oversample`` lets a picture be decoded at reduced scale while its sides stay at least that
    many times ``size``; 0 always decodes at full scale.
    """

    size: int = 224
    white: int = 245
    oversample: int = 3

    @property
    def decode_at_least(self) -> int | None:
        """The side a reduced-scale decode must keep, or None for full scale."""
        return self.size * self.oversample or None


def to_square(image: Image.Image, preprocess: Preprocess) -> Pixels:
    """Return (size, size, 3) RGB in 0..255: near-white border cropped, aspect ratio kept, padded
    with white, resized bilinearly with antialiasing."""
    size = preprocess.size
    box = content_box(np.asarray(image), preprocess.white)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = size / max(width, height)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Cropped for good, as `resize(box=…)` would blend border pixels into the edges.
    cropped = image.crop(box) if (width, height) != image.size else image
    resized = cropped.resize(target, Image.Resampling.BILINEAR, reducing_gap=3.0)
    if target == (size, size):
        return np.asarray(resized)
    canvas = Image.new("RGB", (size, size), WHITE)
    canvas.paste(resized, ((size - target[0]) // 2, (size - target[1]) // 2))
    return np.asarray(canvas)


def content_box(pixels: Pixels, white: int) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of what is not near-white in (h, w, 3) ``pixels``, right
    and bottom exclusive; the whole picture if nothing is."""
    content = darkest_channel(pixels) < white
    columns, rows = np.flatnonzero(content.any(axis=0)), np.flatnonzero(content.any(axis=1))
    if not columns.size:
        return (0, 0, pixels.shape[1], pixels.shape[0])
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def darkest_channel(pixels: Pixels) -> NDArray[np.uint8]:
    """Return (…) minimum over the last axis of (…, 3); far faster than ``min(axis=-1)``."""
    darkest: NDArray[np.uint8] = np.minimum(
        np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2]
    )
    return darkest
