"""A picture to the square of pixels the network sees, as the paper's reference code does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.flatten import WHITE

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Preprocess:
    """The part of a recipe between a decoded picture and the network.

    ``white`` is the least value of all three channels that counts as near-white background;
    ``filled`` says that what is enclosed counts as foreground, however white: a shirt on white.
    ``oversample`` lets a picture be decoded at reduced scale while its sides stay at least that
    many times ``size``; 0 always decodes at full scale.
    """

    size: int = 224
    white: int = 245
    oversample: int = 3
    filled: bool = False

    @property
    def decode_at_least(self) -> int | None:
        """The side a reduced-scale decode must keep, or None for full scale."""
        return self.size * self.oversample or None


@dataclass(frozen=True)
class Cutout:
    """What of an example picture counts.

    ``box`` is (left, top, right, bottom) in pixels of the upright picture; None takes all of it.
    ``mask`` is (h, w), True where the whole picture counts. Without one, what is not near-white
    counts, or everything if ``background`` counts too.
    """

    box: tuple[int, int, int, int] | None = None
    mask: Mask | None = None
    background: bool = False


@dataclass(frozen=True)
class Square:
    """What the network sees: (size, size, 3) RGB in 0..255.

    ``content`` is (size, size), True where a place counts; None: where it is not near-white.
    ``extent`` is the square's left, top, right and bottom in fractions of the upright picture;
    padding reaches outside 0..1.
    """

    pixels: Pixels
    content: Mask | None
    extent: tuple[float, float, float, float]


WHOLE = Cutout()


def to_square(image: Image.Image, preprocess: Preprocess) -> Pixels:
    """Return (size, size, 3) RGB in 0..255: near-white border cropped, aspect ratio kept, padded
    with white, resized bilinearly with antialiasing."""
    return cut_square(image, preprocess).pixels


def cut_square(image: Image.Image, preprocess: Preprocess, cutout: Cutout = WHOLE) -> Square:
    """Return the square of the part of ``image`` that counts, as ``to_square`` makes it.

    What does not count is painted white, as the background of a catalog is. A mask decides where
    the border is cropped, in place of near-white.
    """
    left, top, right, bottom = cutout.box or (0, 0, *image.size)
    part = image.crop((left, top, right, bottom)) if cutout.box else image
    mask = None if cutout.mask is None else cutout.mask[top:bottom, left:right]
    if mask is not None:
        pixels = np.where(mask[..., None], np.asarray(part), np.uint8(255))
        part = Image.fromarray(pixels)
    if mask is not None:
        box = _bounds(mask)
    elif cutout.background:
        box = (0, 0, *part.size)
    else:
        box = picture_box(part, preprocess.white)
    placed = _Placed.of(box, preprocess.size)
    content = None
    if mask is not None:
        content = placed.draw(Image.fromarray(mask.astype(np.uint8) * 255), "L", 0) >= 128
    elif cutout.background:
        content = placed.draw(Image.new("L", part.size, 255), "L", 0) >= 128
    extent = placed.extent(left, top, image.size)
    return Square(placed.draw(part, "RGB", WHITE), content, extent)


@dataclass(frozen=True)
class _Placed:
    """Where a box of a picture comes to lie in the square: ``target`` pixels at ``offset``."""

    box: tuple[int, int, int, int]
    size: int
    target: tuple[int, int]
    offset: tuple[int, int]

    @classmethod
    def of(cls, box: tuple[int, int, int, int], size: int) -> "_Placed":
        width, height = box[2] - box[0], box[3] - box[1]
        scale = size / max(width, height)
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cls(box, size, target, ((size - target[0]) // 2, (size - target[1]) // 2))

    def draw(self, image: Image.Image, mode: str, fill: int | tuple[int, int, int]) -> Pixels:
        # Cropped for good, as `resize(box=…)` would blend border pixels into the edges.
        width, height = self.box[2] - self.box[0], self.box[3] - self.box[1]
        cropped = image.crop(self.box) if (width, height) != image.size else image
        resized = cropped.resize(self.target, Image.Resampling.BILINEAR, reducing_gap=3.0)
        if self.target == (self.size, self.size):
            return np.asarray(resized)
        canvas = Image.new(mode, (self.size, self.size), fill)
        canvas.paste(resized, self.offset)
        return np.asarray(canvas)

    def extent(
        self, left: int, top: int, picture: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """Return the square's edges in fractions of the whole picture, the cut-out part of which
        begins at ``left`` and ``top``."""
        across = (self.box[2] - self.box[0]) / self.target[0]
        down = (self.box[3] - self.box[1]) / self.target[1]
        x = left + self.box[0] - self.offset[0] * across
        y = top + self.box[1] - self.offset[1] * down
        width, height = picture
        return (
            x / width,
            y / height,
            (x + self.size * across) / width,
            (y + self.size * down) / height,
        )


def near_content(pixels: Pixels, white: int) -> Mask:
    """Return (…) True where (…, 3) ``pixels`` are not near-white."""
    return darkest_channel(pixels) < white


def content_box(pixels: Pixels, white: int) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of what is not near-white in (h, w, 3) ``pixels``, right
    and bottom exclusive; the whole picture if nothing is."""
    return _bounds(near_content(pixels, white))


def picture_box(image: Image.Image, white: int) -> tuple[int, int, int, int]:
    """Return the ``content_box`` of an RGB picture, without looking inside unless an edge of it is
    all near-white; Pillow's own passes over it are faster than arrays made of it."""
    width, height = image.size
    whole = (0, 0, width, height)
    edges = (
        (0, 0, width, 1),
        (0, height - 1, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
    )
    if all(_darkest(image.crop(edge)) < white for edge in edges):
        return whole
    marks = [255] * white + [0] * (256 - white)
    return image.point(marks * 3).getbbox() or whole


def _darkest(image: Image.Image) -> int:
    return int(np.asarray(image).min())


def _bounds(content: Mask) -> tuple[int, int, int, int]:
    columns, rows = np.flatnonzero(content.any(axis=0)), np.flatnonzero(content.any(axis=1))
    if not columns.size:
        return (0, 0, content.shape[1], content.shape[0])
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def darkest_channel(pixels: Pixels) -> NDArray[np.uint8]:
    """Return (…) minimum over the last axis of (…, 3); far faster than ``min(axis=-1)``."""
    darkest: NDArray[np.uint8] = np.minimum(
        np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2]
    )
    return darkest
