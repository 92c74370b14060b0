"""Files whose surroundings of the pixels would hold a decoder up are refused before it runs."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, features

from models import structure
from models.errors import PictureError
from models.images import Limits, decode


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


SMALL = Image.new("RGB", (16, 16), (200, 10, 10))
JPEG, PNG, GIF = encode(SMALL, "JPEG"), encode(SMALL, "PNG"), encode(SMALL, "GIF")


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def after_header(*chunks: bytes) -> bytes:
    """A PNG with more chunks between its header and its pixels."""
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def tiff(tags: Sequence[tuple[int, int, int, int]], rest: bytes = b"", next_at: int = 0) -> bytes:
    """A TIFF of one directory: tag, type, count and value or place of each entry."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    start = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return start + entries + struct.pack("<I", next_at) + rest


GREY = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1)]


def refused(data: bytes, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(PictureError, match=words):
        decode(data, limits or Limits())


def test_jpeg_of_many_segments_is_refused() -> None:
    comment = b"\xff\xfe\0\x04hi"
    fine = JPEG[:2] + comment * 1990 + JPEG[2:]
    assert decode(fine).size == (16, 16)
    refused(JPEG[:2] + comment * 2000 + JPEG[2:], "over 2,000 segments before its pixels")


@pytest.mark.parametrize("junk", [b"\0", b"\xff", b"\xff\0", b"\xff\xd0", b"junk"])
def test_jpeg_of_much_between_segments_is_refused(junk: bytes) -> None:
    after_jfif = JPEG[:20] + junk * 70_000 + JPEG[20:]
    refused(after_jfif, "bytes before its pixels are of no segment")


def test_jpeg_of_a_large_profile_and_preview_is_a_picture() -> None:
    data = encode(SMALL, "JPEG", icc_profile=bytes(4_000_000), comment=bytes(60_000))
    assert decode(data).size == (16, 16)


def test_jpeg_of_exif_in_many_segments_is_refused() -> None:
    exif = b"\xff\xe1\0\x0eExif\0\0II*\0\0\0"
    refused(JPEG[:2] + exif * 17 + JPEG[2:], "17 segments of EXIF, the limit is 16")


def with_scans(more: int) -> bytes:
    """A progressive JPEG whose last scan comes several times again."""
    data = encode(Image.new("L", (64, 64), 77), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xc4") : -2]
    return data[:-2] + last * more + data[-2:]


def test_jpeg_of_many_scans_is_refused() -> None:
    assert decode(with_scans(490)).size == (64, 64)
    refused(with_scans(500), r"it has 506 scans, the limit is 500")


def test_jpeg_may_have_fewer_scans_the_larger_it_is() -> None:
    limits = Limits(max_pixels=64 * 64)
    assert decode(with_scans(18), limits).size == (64, 64)
    refused(with_scans(19), "it has 25 scans, the limit is 24", limits)


def test_png_of_many_chunks_is_refused() -> None:
    tiny = chunk(b"prVt")
    assert decode(after_header(*[tiny] * 9_990)).size == (16, 16)
    refused(after_header(*[tiny] * 11_000), r"it has over 10,1\d\d chunks")


@pytest.mark.parametrize(
    ("name", "start"), [(b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")]
)
def test_png_of_text_that_unpacks_to_much_is_refused(name: bytes, start: bytes) -> None:
    data = start + zlib.compress(bytes(20_000_000))
    refused(after_header(chunk(name, data)), "it is damaged: Decompressed data too large")


def test_png_of_many_texts_is_refused() -> None:
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    refused(after_header(*[text] * 70), "it is damaged: Too much memory used in text chunks")


def test_gif_of_many_blocks_before_its_first_frame_is_refused() -> None:
    at = GIF.index(b",")
    comment = b"!\xfe" + b"\x01a" * 70_000 + b"\0"
    refused(GIF[:at] + comment + GIF[at:], "over 65,536 blocks before its first frame")
    refused(GIF[:at] + b"\1" * 70_000 + GIF[at:], "over 65,536 blocks before its first frame")
    few = b"!\xfe" + b"\x01a" * 1000 + b"\0"
    assert decode(GIF[:at] + few + GIF[at:]).size == (16, 16)


def test_gif_frame_larger_than_its_canvas_counts() -> None:
    at = GIF.index(b",")
    larger = GIF[: at + 5] + struct.pack("<HH", 60_000, 60_000) + GIF[at + 9 :]
    refused(larger, "it has 3,600,000,000 pixels, the limit is 100,000,000")


def test_tiff_of_many_strips_is_refused() -> None:
    strips = struct.pack("<I", 8) * 300_000
    tags = [*GREY, (278, 4, 1, 1), (273, 4, 300_000, 200), (279, 4, 1, 8)]
    refused(tiff(tags, bytes(200) + strips), "its tags hold 300,0.. numbers, the limit is 200,000")


def test_tiff_of_many_numbers_behind_a_pointer_is_refused() -> None:
    inner = struct.pack("<HHHIII", 1, 0x829A, 5, 250_000, 8, 0)
    tags = [*GREY, (34665, 4, 1, 8 + 2 + 12 * 5 + 4)]
    refused(tiff(tags, inner + bytes(2_000_000)), "its tags hold 250,0.. numbers")


def test_directories_that_lead_to_each_other_end() -> None:
    looped = tiff([*GREY, (34665, 4, 1, 8), (34853, 4, 1, 8)])
    refused(looped, "it is not a picture|damaged")


def test_tiff_of_many_tags_is_refused() -> None:
    tags = [(40_000 + number % 20_000, 3, 1, 0) for number in range(3_000)]
    refused(tiff(tags), "it has 3,000 tags, the limit is 2,000")


def test_big_tiff_is_counted_too() -> None:
    start = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1)
    refused(start + struct.pack("<HHQQ", 273, 16, 10**12, 16), "numbers, the limit is 200,000")


def test_tiff_tile_larger_than_a_picture_may_be_is_refused() -> None:
    tiles = [(322, 4, 1, 99_984), (323, 4, 1, 99_984), (324, 4, 1, 200), (325, 4, 1, 9)]
    packed = [*GREY, (259, 3, 1, 8), *tiles]
    refused(tiff(packed, bytes(300)), "its tiles are 99984 x 99984 pixels")


def test_tiff_of_a_rare_compression_is_refused() -> None:
    packed = [*GREY, (259, 3, 1, 34925), (273, 4, 1, 200), (279, 4, 1, 9)]
    refused(tiff(packed, bytes(300)), "it is compressed by 'lzma': expected one of group3")


EXIF = tiff([(0x0112, 3, 250_000, 64)], bytes(600_000))


def test_exif_of_many_numbers_is_refused_in_any_format() -> None:
    refused(after_header(chunk(b"eXIf", EXIF)), "its tags hold 250,000 numbers")
    refused(encode(SMALL, "WEBP", exif=EXIF), "its tags hold 250,000 numbers")


def test_exif_of_many_numbers_is_refused_before_avif_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not features.check("avif"):
        pytest.skip("Pillow is built without AVIF here")
    data = encode(SMALL, "AVIF", exif=tiff([(0x9000, 3, 250_000, 64)], bytes(600_000)))
    monkeypatch.setattr("PIL.AvifImagePlugin.AvifImageFile._open", None)
    refused(data, "its tags hold 250,000 numbers")


def test_run_length_coded_bmp_is_small_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 40, 30, 1, 8, 1, 0, 0, 0, 256, 0)
    start = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header
    data = start + bytes(range(256)) * 4 + b"\x28\x07\0\0" * 30 + b"\0\1"
    assert decode(data).size == (40, 30)
    monkeypatch.setattr(structure, "MAX_RUN_LENGTH_PIXELS", 1199)
    refused(data, "run-length coded and has 1,200 pixels, the limit for these is 1,199")
