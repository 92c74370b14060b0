"""Small pictures as bytes."""

import io

from PIL import Image


def picture(seed: int, kind: str = "PNG") -> bytes:
    """Return a small two-tone picture, another one for each seed up to 16,000."""
    red, green = seed % 128, seed // 128
    image = Image.new("RGB", (16, 16), (red, green, 90))
    image.paste((green, 40, red), (4, 4, 10, 12))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()
