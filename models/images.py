"""Bytes to an upright RGB picture: limits first, then pixels."""

import io
import re
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from models.errors import PictureError, PictureTooLargeError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP")
MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
}
"""By the ending of a file's name, which is what says that a file of a folder is a picture."""
SUFFIXES = frozenset(MEDIA_TYPES)
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Limits:
    """What a picture may cost: bytes on the wire or on disk, and pixels once decoded."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 100_000_000


DEFAULT_LIMITS = Limits()


def read_picture(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of a picture file, raising PictureError if there are none or too many."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device would be waited for, or endless
            raise PictureError(f"{str(path)!r} is not a regular file")
        if found.st_size > limits.max_bytes:
            raise PictureTooLargeError(_too_many_bytes(found.st_size, limits))
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except FileNotFoundError:
        raise PictureError(f"no file at {str(path)!r}") from None
    except OSError as error:
        raise PictureError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise PictureError(f"{str(path)!r} is no path: {error}") from error
    if len(data) > limits.max_bytes:
        raise PictureTooLargeError(_too_many_bytes(len(data), limits))
    return data


def decode(
    data: bytes, limits: Limits = DEFAULT_LIMITS, at_least: int | None = None
) -> Image.Image:
    """Return the picture in ``data`` as upright RGB: EXIF turned, alpha over white, first frame.

    With ``at_least`` a picture may come back at a reduced scale, its shorter side still being at
    least that many pixels: a JPEG's decoder then skips work, and other formats are averaged down
    before anything else, which saves most of the memory. Raises PictureTooLargeError past
    ``limits``, PictureError if the bytes are no picture or a damaged one.
    """
    if not data:
        raise PictureError("it has zero bytes")
    if len(data) > limits.max_bytes:
        raise PictureTooLargeError(_too_many_bytes(len(data), limits))
    with _decoder_errors(limits):
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > limits.max_pixels:
            raise PictureTooLargeError(_too_many_pixels(image.width * image.height, limits))
        if at_least and image.format in ("JPEG", "MPO"):
            image.draft(None, (at_least, at_least))
        image.load()
        return _to_rgb(ImageOps.exif_transpose(_reduced(image, at_least)))


@contextmanager
def _decoder_errors(limits: Limits) -> Iterator[None]:
    """Turn what Pillow raises on hostile or damaged bytes into PictureError."""
    _hush_pillow()
    # Pillow's own guard is a global of 179 million pixels. It follows our limit, so that a higher
    # one counts, and its checks inside the decoders (frames, tiles) keep to the same.
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    try:
        yield
    except UnidentifiedImageError:
        raise PictureError(f"it is not a picture: expected one of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        pixels = int(found[0]) if found else 2 * limits.max_pixels
        raise PictureTooLargeError(_too_many_pixels(pixels, limits)) from error
    except _DAMAGE as error:
        raise PictureError(f"it is damaged: {str(error) or type(error).__name__}") from error


_PILLOW = re.compile(r"PIL\.")


def _hush_pillow() -> None:
    """Ignore Pillow's notes on odd metadata and on size, once and for good.

    ``warnings.catch_warnings`` swaps a global back and forth, which pictures decoded in several
    threads at once would leave in any state.
    """
    if not any(entry[3] == _PILLOW for entry in warnings.filters):
        warnings.filterwarnings("ignore", module=_PILLOW.pattern)


# Pillow's decoders answer damaged bytes with any of these.
_DAMAGE = (
    OSError,
    RuntimeError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    struct.error,
)


def _reduced(image: Image.Image, at_least: int | None) -> Image.Image:
    """Average a large picture down by a whole factor; palettes and deep grey have no averages."""
    factor = min(image.size) // at_least if at_least else 1
    if factor < 2 or image.mode not in ("RGB", "RGBA", "L", "LA") or "transparency" in image.info:
        return image
    return image.reduce(factor)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey_to_rgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, (*WHITE, 255))
        return Image.alpha_composite(canvas, rgba).convert("RGB")
    return image.convert("RGB")


def _grey_to_rgb(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bit; Pillow's own conversion clips at 255 and whitens it."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    if image.mode == "F":
        high = float(values.max(initial=0.0))
        scale = 255.0 if high <= 1.0 else 255.0 / high
    else:
        scale = 255.0 / 65535.0
    values *= scale
    grey = np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _too_many_bytes(size: int, limits: Limits) -> str:
    return f"it has {size:,} bytes, the limit is {limits.max_bytes:,}"


def _too_many_pixels(pixels: int, limits: Limits) -> str:
    return f"it has {pixels:,} pixels, the limit is {limits.max_pixels:,}"
