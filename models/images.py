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

from PIL import Image, UnidentifiedImageError

from models.errors import PictureError, PictureTooLargeError
from models.flatten import to_rgb, turn_of
from models.heic import HEIC_AVAILABLE, is_heic
from models.structure import check_opened, check_structure

_HEIC_FORMATS = ("HEIF",) if HEIC_AVAILABLE else ()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", *_HEIC_FORMATS)
"""Pillow's names of what is opened; JPEG includes MPO, a JPEG followed by others."""
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
    **({".heic": "image/heic", ".heif": "image/heif"} if HEIC_AVAILABLE else {}),
}
"""By the ending of a file's name, which is what says that a file of a folder is a picture."""
_ENDINGS = {
    **{"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"},
    **{"AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp", "HEIF": ".heic"},
}
SUFFIXES = frozenset(MEDIA_TYPES)


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
    with _decoder_errors(data, limits):
        check_structure(data)
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > limits.max_pixels:
            raise PictureTooLargeError(_too_many_pixels(image.width * image.height, limits))
        check_opened(image, data, limits.max_pixels)
        if at_least and image.format in ("JPEG", "MPO"):
            image.draft(None, (at_least, at_least))
        image.load()
        turn = turn_of(image)
        image = _reduced(image, at_least)
        image = to_rgb(image)  # each step frees the picture before it
        return image if turn is None else image.transpose(turn)


def ending_of(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return what the name of a file with the picture in ``data`` ends in, such as ``.jpg``.

    Raises PictureError if the bytes are no picture; they are not decoded.
    """
    with _decoder_errors(data, limits):
        check_structure(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _ENDINGS[image.format or ""]


@contextmanager
def _decoder_errors(data: bytes, limits: Limits) -> Iterator[None]:
    """Turn what Pillow raises on hostile or damaged bytes into PictureError."""
    _hush_pillow()
    # Pillow's own guard is a global, an error at twice its value. It follows our limit, so that a
    # higher one counts, and so do its checks inside decoders that allocate in opening a picture.
    Image.MAX_IMAGE_PIXELS = (limits.max_pixels + 1) // 2
    try:
        yield
    except UnidentifiedImageError:
        if is_heic(data) and not HEIC_AVAILABLE:
            raise PictureError(
                "it is a HEIC picture: `pip install 'hueweave[heic]'` makes these readable"
            ) from None
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
        # These decoders keep whole canvases as long as their picture lives.
        return image.copy() if image.format in ("WEBP", "AVIF") else image
    return image.reduce(factor)


def _too_many_bytes(size: int, limits: Limits) -> str:
    return f"it has {size:,} bytes, the limit is {limits.max_bytes:,}"


def _too_many_pixels(pixels: int, limits: Limits) -> str:
    return f"it has {pixels:,} pixels, the limit is {limits.max_pixels:,}"
