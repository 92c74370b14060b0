"""Good pictures of every format, and how to damage them so that decoders still listen."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from models.errors import PictureError
from models.images import Limits, decode

LIMITS = Limits(max_bytes=1 << 20, max_pixels=1_000_000)
WIDTH, HEIGHT = 44, 30
_SIDES = (0, 1, 29, 45, 100, 700, 1000, 16383, 0xFFFF)
_VALUES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
_Change = Callable[[bytes], bytes]


def _picture(mode: str = "RGB") -> Image.Image:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(0).integers(0, 60, (HEIGHT, WIDTH))
    layers = np.stack([rows * 6, columns * 5, noise, 255 - columns * 5], axis=-1).astype(np.uint8)
    if mode == "RGBA":
        return Image.fromarray(layers)
    return Image.fromarray(layers[..., :3]).convert(mode)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def samples(kind: str) -> tuple[bytes, ...]:
    """Return small pictures of one format, by Pillow's name, each of which a decoder treats
    differently."""
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "someone"
    rgb, rgba, second = _picture(), _picture("RGBA"), _picture().rotate(180)
    deep = Image.fromarray((np.arange(1320, dtype=np.uint16) * 49).reshape(HEIGHT, WIDTH))
    several = {"save_all": True, "append_images": [second]}
    made: dict[str, list[tuple[Image.Image, dict[str, Any]]]] = {
        "JPEG": [
            (rgb, {"exif": exif}),
            (rgb, {"progressive": True, "subsampling": 0, "icc_profile": bytes(300)}),
            (_picture("CMYK"), {}),
            (_picture("L"), {"restart_marker_rows": 1, "optimize": True}),
        ],
        "PNG": [
            (rgb, {"exif": exif, "icc_profile": bytes(300)}),
            (_picture("P"), {"transparency": bytes(range(256))}),
            (rgba, several),
            (deep, {}),
            (_picture("1"), {}),
        ],
        "WEBP": [
            (rgb, {"exif": exif}),
            (rgba, {"lossless": True}),
            (rgba, {"quality": 50, "xmp": b"<x/>"}),
            (rgb, several),
        ],
        "GIF": [
            (_picture("P"), {"transparency": 3, "comment": b"hello"}),
            (_picture("P"), several),
            (_picture("L"), {"interlace": 1}),
        ],
        "AVIF": [
            (rgb, {"exif": exif, "speed": 10}),
            (rgba, {"speed": 10, "subsampling": "4:4:4"}),
            (rgb, {"speed": 10, **several}),
        ],
        "TIFF": [
            (rgb, {"exif": exif}),
            (rgba, {"compression": "tiff_lzw"}),
            (deep, {"compression": "tiff_adobe_deflate"}),
            (_picture("F"), {"compression": "packbits"}),
            (_picture("1"), {"compression": "group4"}),
            (rgb, {"compression": "jpeg"}),
            (_picture("CMYK"), {"compression": "zstd", "big_tiff": True}),
        ],
        "BMP": [(rgb, {}), (_picture("P"), {}), (_picture("1"), {}), (rgba, {})],
        "HEIF": [(rgb, {"exif": exif.tobytes()}), (rgba, {})],
    }
    found = [_encode(image, kind, **options) for image, options in made[kind]]
    if kind == "JPEG":
        found.append(_encode(rgb, "MPO", **several))
    if kind == "BMP":
        found.append(_run_lengths())
    return tuple(found)


def _run_lengths() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, 0, 0, 0, 256, 0)
    row = b"\x05\x10\x00\x04abcd\x23\xf0\0\0"
    start = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024)
    return start + header + bytes(range(256)) * 4 + row * HEIGHT + b"\0\1"


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> bytes:
    """Draw a picture of one format after one to four changes."""
    pictures = samples(kind)
    data = draw(st.sampled_from(pictures))
    for change in draw(st.lists(_change(pictures), min_size=1, max_size=4)):
        data = change(data) or data[:1]
    if kind == "PNG" and draw(st.booleans()):
        data = _with_checksums(data)
    return data


def _change(pictures: tuple[bytes, ...]) -> st.SearchStrategy[_Change]:
    # Half of all changes are near the start, where formats keep what decoders branch on.
    place = st.tuples(st.sampled_from((40, 200, 1 << 16, 1 << 16)), st.integers(0, 1 << 16))
    size = st.integers(1, 40)
    return st.one_of(
        st.builds(_overwritten, place, st.binary(min_size=1, max_size=2)),
        st.builds(_resized, st.sampled_from((WIDTH, HEIGHT)), st.sampled_from(_SIDES), _FORMS),
        st.builds(_overwritten, place, st.builds(_number, st.sampled_from(_VALUES), _FORMS)),
        st.builds(_overwritten, place, st.builds(_number, st.integers(0, 1 << 16), _FORMS)),
        st.builds(_cut_out, place, size),
        st.builds(_put_in, place, st.binary(min_size=1, max_size=8)),
        st.builds(_truncated, place),
        st.builds(_spliced, place, st.sampled_from(pictures), place, st.integers(1, 400)),
    )


_FORMS = st.sampled_from((">H", "<H", ">I", "<I"))


def _number(value: int, form: str) -> bytes:
    return struct.pack(form, value & (0xFFFF if form.endswith("H") else 0xFFFFFFFF))


def _at(place: tuple[int, int], data: bytes) -> int:
    # Not in the bytes that say what format it is: what follows would be read by nobody.
    first = 8 if data.startswith(b"\x89PNG") else 4
    return min(first + place[1] % max(1, min(place[0], len(data)) - first), len(data))


def _resized(side: int, new: int, form: str) -> _Change:
    """Write another number wherever a side of the picture stands."""
    return lambda data: data.replace(_number(side, form), _number(new, form))


def _overwritten(place: tuple[int, int], new: bytes) -> _Change:
    def change(data: bytes) -> bytes:
        at = _at(place, data)
        return data[:at] + new + data[at + len(new) :]

    return change


def _cut_out(place: tuple[int, int], size: int) -> _Change:
    return lambda data: data[: _at(place, data)] + data[_at(place, data) + size :]


def _put_in(place: tuple[int, int], new: bytes) -> _Change:
    return lambda data: data[: _at(place, data)] + new + data[_at(place, data) :]


def _truncated(place: tuple[int, int]) -> _Change:
    return lambda data: data[: _at(place, data)]


def _spliced(place: tuple[int, int], other: bytes, source: tuple[int, int], size: int) -> _Change:
    start = _at(source, other)
    return _overwritten(place, other[start : start + size])


def _with_checksums(data: bytes) -> bytes:
    """Give every chunk of a PNG the checksum it should have, so that what is in it is read."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + int.from_bytes(out[at : at + 4])
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def decodes(data: bytes, at_least: int | None) -> bool:
    """Whether ``data`` is a picture; raises anything but what a caller of ``decode`` may expect."""
    try:
        image = decode(data, LIMITS, at_least)
    except PictureError as error:
        if isinstance(error.__cause__, MemoryError):
            raise AssertionError("memory ran out") from error
        return False
    if image.mode != "RGB" or not 0 < image.width * image.height <= LIMITS.max_pixels:
        raise AssertionError(f"{image.mode} of {image.width} x {image.height}")
    return len(image.tobytes()) == 3 * image.width * image.height
