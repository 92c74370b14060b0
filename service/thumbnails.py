"""Thumbnails: small WebP pictures of items."""

import io

from PIL import Image

from models.images import Limits, decode

SIZE = 320
MEDIA_TYPE = "image/webp"


def thumbnail(data: bytes, limits: Limits, size: int = SIZE) -> bytes:
    """Return a WebP of the picture in ``data``, its longer side at most ``size`` pixels.

    Raises PictureError if ``data`` is no picture.
    """
    image = decode(data, limits, at_least=size)
    if max(image.size) > size:
        image = fit(image, size)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=4)
    return buffer.getvalue()


def fit(image: Image.Image, size: int) -> Image.Image:
    """Return ``image`` with its longer side brought to ``size``, however thin it is."""
    scale = size / max(image.size)
    target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
