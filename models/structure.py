"""What surrounds a picture's pixels in its file, counted before a decoder walks through it.

Decoders step through segments, chunks and tags one by one, so that a small file can hold them up
for minutes or make gigabytes out of its metadata. No ordinary picture comes near these bounds.
"""

import struct
from collections.abc import Callable

from PIL import Image

from models.errors import PictureError

MAX_SEGMENTS = 2_000
"""JPEG segments before the first scan; a profile or a preview of 16 MB has 256."""
MAX_SCANS = 500
MAX_PASSES = 24
"""Scans of a JPEG that has as many pixels as it may; the usual progressive one has 10 to 18."""
MAX_JUNK = 65_536
"""Bytes between segments, and sub-blocks of a GIF before its first frame."""
MAX_CHUNKS = 10_000
"""Chunks of a PNG, beside one for each kB."""
MAX_TAGS = 2_000
MAX_TAG_VALUES = 200_000
"""Numbers in the tags of a TIFF or of EXIF: 100,000 strips or tiles, and what else there is."""
MAX_RUN_LENGTH_PIXELS = 16_000_000
"""Pixels of a run-length coded BMP, whose decoder is slow."""
TIFF_COMPRESSIONS = frozenset(
    {
        *("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg"),
        *("tiff_ccitt", "group3", "group4", "zstd"),
    }
)
_SUB_DIRECTORIES = (34665, 34853, 40965)  # EXIF, GPS and interoperability
_TEXTS = (1, 2, 7)  # types of tags that stay bytes, whatever their length
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def check_structure(data: bytes) -> None:
    """Raise PictureError if ``data`` has more segments, chunks or tags than a picture would."""
    for starts, check in _CHECKS.items():
        if data.startswith(starts):
            check(data)
    if data[4:8] == b"ftyp":  # AVIF and HEIC; Pillow reads their EXIF in opening them
        for start in (b"II*\0", b"MM\0*"):
            at = -1
            for _ in range(MAX_TAGS):
                at = data.find(start, at + 1)
                if at < 0:
                    break
                check_tags(data[at:])


def check_opened(image: Image.Image, data: bytes, max_pixels: int) -> None:
    """Raise PictureError if decoding ``image``, opened from ``data``, would take far too long, or
    far more memory than its pixels do."""
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        # In coded pixels 0xff is followed by 0x00, so these two bytes are a scan's beginning.
        scans, most = data.count(b"\xff\xda"), min(MAX_SCANS, MAX_PASSES * max_pixels // pixels)
        if scans > most:
            raise PictureError(f"it has {scans:,} scans, the limit is {most:,}")
    elif image.format == "BMP" and image.info.get("compression") in (1, 2):
        if pixels > MAX_RUN_LENGTH_PIXELS:
            raise PictureError(
                f"it is run-length coded and has {pixels:,} pixels, the limit for these is "
                f"{MAX_RUN_LENGTH_PIXELS:,}"
            )
    elif image.format == "TIFF":
        compression = image.info.get("compression")
        if compression not in TIFF_COMPRESSIONS:
            known = ", ".join(sorted(TIFF_COMPRESSIONS))
            raise PictureError(f"it is compressed by {compression!r}: expected one of {known}")
        tags = getattr(image, "tag_v2", {})
        tile = [tags.get(_TILE_WIDTH, 1), tags.get(_TILE_LENGTH, 1)]
        if not all(isinstance(side, int) for side in tile) or tile[0] * tile[1] > max_pixels:
            raise PictureError(f"its tiles are {tile[0]} x {tile[1]} pixels")


def check_tags(tiff: bytes) -> None:
    """Raise PictureError if a TIFF, or EXIF without its own start, has too many tags or values."""
    order = "<" if tiff.startswith(b"II") else ">"
    try:
        big = struct.unpack_from(f"{order}H", tiff, 2)[0] == 43
        (first,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", tiff, 8 if big else 4)
        _count_tags(tiff, order, big, first)
    except struct.error:
        pass  # cut off: the decoder says so


def _count_tags(tiff: bytes, order: str, big: bool, first: int) -> None:
    """Count what the first directory and those it points to hold."""
    tags, values, todo, seen = 0, 0, [first], {0}
    number, entry = (f"{order}Q", f"{order}HHQQ") if big else (f"{order}H", f"{order}HHII")
    while todo:
        at = todo.pop()
        if at in seen or at >= len(tiff):
            continue
        seen.add(at)
        (count,) = struct.unpack_from(number, tiff, at)
        tags += count
        if tags > MAX_TAGS:
            raise PictureError(f"it has {tags:,} tags, the limit is {MAX_TAGS:,}")
        at += struct.calcsize(number)
        for _ in range(count):
            if at + struct.calcsize(entry) > len(tiff):
                break
            tag, kind, length, value = struct.unpack_from(entry, tiff, at)
            at += struct.calcsize(entry)
            values += 0 if kind in _TEXTS else length
            if tag in _SUB_DIRECTORIES:
                todo.append(value)
            if values > MAX_TAG_VALUES:
                raise PictureError(
                    f"its tags hold {values:,} numbers, the limit is {MAX_TAG_VALUES:,}"
                )


def _check_jpeg(data: bytes) -> None:
    at, segments, junk, exif = 2, 0, 0, 0
    while True:
        found = data.find(b"\xff", at)
        if found < 0 or found + 4 > len(data):
            junk += len(data) - at
            break
        junk, marker = junk + found - at, data[found + 1]
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD9:
            # Not a segment: stuffing, filling, or a marker without a length.
            at, junk = found + (1 if marker == 0xFF else 2), junk + 1
        elif marker == 0xDA:
            break
        else:
            at, segments = found + 2 + int.from_bytes(data[found + 2 : found + 4]), segments + 1
            exif += marker == 0xE1 and data[found + 4 : found + 8] == b"Exif"
        if segments > MAX_SEGMENTS or junk > MAX_JUNK:
            break
    if junk > MAX_JUNK:
        raise PictureError(f"it is damaged: {junk:,} bytes before its pixels are of no segment")
    if segments > MAX_SEGMENTS:
        raise PictureError(f"it has over {MAX_SEGMENTS:,} segments before its pixels")
    if exif > 16:  # Pillow joins them to one, and reads that in opening the picture
        raise PictureError(f"it has {exif} segments of EXIF, the limit is 16")


def _check_png(data: bytes) -> None:
    at, chunks, most = 8, 0, MAX_CHUNKS + len(data) // 1024
    while at + 8 <= len(data):
        at, chunks = at + 12 + int.from_bytes(data[at : at + 4]), chunks + 1
        if chunks > most:
            raise PictureError(f"it has over {most:,} chunks")


def _check_gif(data: bytes) -> None:
    flags = data[10] if len(data) > 10 else 0
    at, steps = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0), 0
    while at < len(data) and data[at] not in b",;":
        if data[at] == 0x21:  # an extension: its label, then sub-blocks up to an empty one
            at += 2
            while at < len(data) and data[at] and steps <= MAX_JUNK:
                at, steps = at + 1 + data[at], steps + 1
        at, steps = at + 1, steps + 1
        if steps > MAX_JUNK:
            raise PictureError(f"it has over {MAX_JUNK:,} blocks before its first frame")


_CHECKS: dict[bytes, Callable[[bytes], None]] = {
    b"\xff\xd8\xff": _check_jpeg,
    b"\x89PNG": _check_png,
    b"GIF8": _check_gif,
    b"II": check_tags,
    b"MM": check_tags,
}
