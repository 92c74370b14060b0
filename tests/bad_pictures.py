"""Pictures of every awkward kind, by name, and what they get: a picture, or words of an error."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Awkward:
    """Bytes, and the words their error must have; None if they are a picture."""

    make: Callable[[], bytes]
    error: str | None = None


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return ``image`` as bytes of a format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Return a colorful picture that no two corners of are alike."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([x * 3 % 200, y * 5 % 200, (x + y) * 2 % 200], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def huge_png() -> bytes:
    """Return a valid PNG of 20,000 x 20,000 pixels in about a megabyte."""
    row = b"\0" + b"\x80" * (20_000 * 3)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(20_000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(photo(), "JPEG", exif=exif)


def _grey16() -> bytes:
    values = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    return encode(Image.fromarray(values), "PNG")


def _transparent() -> bytes:
    image = photo("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encode(image, "PNG")


def _animated() -> bytes:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "green", "blue")]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


AWKWARD = {
    "not-an-image.jpg": Awkward(lambda: b"this is no picture at all", "is not a picture"),
    "truncated.jpg": Awkward(lambda: encode(photo(), "JPEG")[:700], "damaged"),
    "empty.jpg": Awkward(lambda: b"", "zero bytes"),
    "huge.png": Awkward(huge_png, "400,000,000 pixels, the limit is 100,000,000"),
    "one-pixel.png": Awkward(lambda: encode(Image.new("RGB", (1, 1), "teal"), "PNG")),
    "cmyk.jpg": Awkward(lambda: encode(photo("CMYK"), "JPEG")),
    "grey16.png": Awkward(_grey16),
    "transparent.png": Awkward(_transparent),
    "animated.gif": Awkward(_animated),
    "rotated.jpg": Awkward(_rotated),
    "white.png": Awkward(lambda: encode(Image.new("RGB", (50, 50), "white"), "PNG")),
}
READABLE = [name for name, one in AWKWARD.items() if one.error is None]
UNREADABLE = [name for name, one in AWKWARD.items() if one.error is not None]
