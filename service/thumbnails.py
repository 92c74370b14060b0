"""Thumbnails: small WebP pictures of items."""

import io
from collections import OrderedDict
from threading import Lock

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


class Thumbnails:
    """Thumbnails that were made, by the SHA-256 of their pictures and their size; of more than
    ``most`` bytes, those are let go that nobody asked for longest. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._guard = Lock()
        self._made: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def kept(self, digest: str, size: int = SIZE) -> bytes | None:
        """Return the thumbnail if it is there."""
        with self._guard:
            found = self._made.get((digest, size))
            if found is not None:
                self._made.move_to_end((digest, size))
            return found

    def keep(self, digest: str, made: bytes, size: int = SIZE) -> bytes:
        """Keep a thumbnail, unless it alone is too large, and return it."""
        with self._guard:
            if len(made) <= self._most:
                self._bytes += len(made) - len(self._made.pop((digest, size), b""))
                self._made[digest, size] = made
            while self._bytes > self._most:
                self._bytes -= len(self._made.popitem(last=False)[1])
        return made
