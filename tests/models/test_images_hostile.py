"""Bad bytes give a PictureError that says what is wrong, and nothing else."""

import io
import random
import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from models.errors import PictureError, PictureTooLargeError
from models.images import FORMATS, Limits, decode


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(width: int = 40, height: int = 30) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def wide_png(side: int) -> bytes:
    """A right PNG of side x side grey pixels, all black: a few hundred kB however large."""
    deflate = zlib.compressobj(6)
    row = bytes(side + 1)
    rows = b"".join(deflate.compress(row) for _ in range(side)) + deflate.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"\xff\xd8\xff",
        bytes(1000),
        encode(noise(), "PPM"),
        encode(noise(), "ICO"),
        encode(noise(), "TGA"),
        encode(noise(), "JPEG2000"),
        b"8BPS\0\1" + bytes(6) + b"\0\3" + struct.pack(">II", 4, 4) + b"\0\x08\0\3" + bytes(99),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    ],
    ids=["text", "svg", "pdf", "jpeg cut", "zeros", "ppm", "ico", "tga", "jpeg2000", "psd", "eps"],
)
def test_what_is_not_a_picture_of_the_listed_formats_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match=r"not a picture: expected one of JPEG, PNG") as caught:
        decode(data)
    assert all(name in str(caught.value) for name in FORMATS)


def test_no_bytes_are_refused() -> None:
    with pytest.raises(PictureError, match="zero bytes"):
        decode(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_picture_is_refused_as_damaged(kind: str) -> None:
    data = encode(noise(400, 300), kind)
    with pytest.raises(PictureError, match=r"damaged: \w|not a picture"):
        decode(data[: len(data) // 2])


def test_too_many_bytes_are_refused() -> None:
    data = encode(noise(), "PNG")
    with pytest.raises(PictureTooLargeError, match=rf"{len(data):,} bytes, the limit is 1,000"):
        decode(data, Limits(max_bytes=1000))
    assert decode(data, Limits(max_bytes=len(data))).size == (40, 30)


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = wide_png(side)

    def load(self: Image.Image) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    tracemalloc.start()
    try:
        with pytest.raises(PictureTooLargeError) as caught:
            decode(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value) == f"it has {side * side:,} pixels, the limit is 100,000,000"
    assert peak < 4 << 20


def test_the_limit_of_pixels_is_exact() -> None:
    data = encode(noise(40, 30), "PNG")
    assert decode(data, Limits(max_pixels=1200)).size == (40, 30)
    for limit in (1199, 600, 500):
        with pytest.raises(
            PictureTooLargeError, match=rf"has 1,200 pixels, the limit is {limit:,}"
        ):
            decode(data, Limits(max_pixels=limit))


def test_a_limit_above_pillows_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encode(noise(40, 30), "PNG")).size == (40, 30)


def sample(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "someone"
    return encode(noise(), kind, **({} if kind in ("GIF", "BMP") else {"exif": exif}))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut out, put in and cut off; more in the header, where decoders branch."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 5, 20))):
        at = chance.randrange(min(len(changed), chance.choice((64, 200, len(data)))))
        kind = chance.random()
        if kind < 0.7:
            changed[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        elif kind < 0.85 and len(changed) > 100:
            del changed[at : at + chance.randrange(1, 30)]
        else:
            changed[at:at] = chance.randbytes(chance.randrange(1, 8))
    return bytes(changed if chance.random() < 0.85 else changed[: chance.randrange(len(changed))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_mutated_bytes_give_a_picture_or_a_picture_error(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("Pillow is built without AVIF here")
    data, chance = sample(kind), random.Random(kind)
    outcomes = set()
    for _ in range(300):
        try:
            image = decode(mutated(data, chance), Limits(max_pixels=10_000_000), at_least=8)
        except PictureError:
            outcomes.add("error")
        else:
            outcomes.add("picture")
            assert image.mode == "RGB"
            image.tobytes()
    assert outcomes == {"error", "picture"}


def test_an_unheard_of_decoder_error_is_damage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Image.Image) -> None:
        raise RuntimeError("Failed to decode frame")

    data = encode(noise(), "PNG")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(PictureError, match="it is damaged: Failed to decode frame"):
        decode(data)


def test_notes_on_odd_metadata_are_neither_errors_nor_left_to_chance_by_threads() -> None:
    transparent = Image.new("P", (64, 64), 0)
    transparent.putpalette(list(range(6)))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + bytes(7)  # five entries promised, none there
    data = [
        encode(noise(), "JPEG", exif=exif),
        encode(transparent, "PNG", transparency=b"\x33\xff"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ThreadPoolExecutor(4) as threads:
            decoded = list(threads.map(decode, data * 50))
        assert {image.size for image in decoded} == {(40, 30), (64, 64)}
        with pytest.raises(UserWarning, match="still heard"):
            warnings.warn("still heard", UserWarning, stacklevel=1)
