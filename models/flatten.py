"""Any picture to upright RGB, a band of rows at a time where a step would need the whole twice."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from models.structure import check_tags

WHITE = (255, 255, 255)
_BAND_PIXELS = 1 << 20
_MAX_EXIF_TEXT = 1 << 20

_T = Image.Transpose
_TURNS = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_270,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_90,
}


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return how a loaded picture is to be turned to stand upright, by EXIF or XMP.

    Raises PictureError for EXIF with far more in it than a camera writes.
    """
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        check_tags(exif.removeprefix(b"Exif\0\0"))
    elif len(image.info.get("Raw profile type exif", "")) > _MAX_EXIF_TEXT:
        return None
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def to_rgb(image: Image.Image) -> Image.Image:
    """Return ``image`` as RGB: transparency over white, deep grey scaled to eight bits."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey_to_rgb(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    flat = Image.new("RGB", image.size)
    for top, band in _bands(image):
        above = band.convert("RGBA")
        white = Image.new("RGBA", above.size, (*WHITE, 255))
        flat.paste(Image.alpha_composite(white, above).convert("RGB"), (0, top))
    return flat


def _grey_to_rgb(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bit; Pillow's own conversion clips at 255 and whitens it."""
    scale = 255.0 / 65535.0
    if image.mode == "F":
        high = max(float(_values(band).max(initial=0.0)) for _, band in _bands(image))
        scale = 255.0 if high <= 1.0 else 255.0 / high
    flat = Image.new("RGB", image.size)
    for top, band in _bands(image):
        values = _values(band)
        values *= scale
        grey = np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)
        flat.paste(Image.fromarray(grey).convert("RGB"), (0, top))
    return flat


def _values(band: Image.Image) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(band, dtype=np.float32))


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the first row and the picture of each band of rows."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))
