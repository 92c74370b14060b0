"""Thumbnails: small WebP pictures of items."""

import io

from PIL import Image, ImageOps

from models.images import Limits, decode

SIZE = 320
MEDIA_TYPE = "image/webp"


def thumbnail(data: bytes, limits: Limits, size: int = SIZE) -> bytes:
    """Return a WebP of the picture in ``data``, its longer side at most ``size`` pixels.

    Raises PictureError if ``data`` is no picture.
    """
    image = decode(data, limits, at_least=size)
    if max(image.size) > size:
        image = ImageOps.contain(image, (size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=4)
    return buffer.getvalue()
