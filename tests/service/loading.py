"""Example pictures loaded without an index, for tests of what becomes of them."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from models.images import DEFAULT_LIMITS, Limits
from service.examples import Example, Examples
from service.fetching import Fetch, fetch_nothing
from service.query import ImageExample
from tests.bad_pictures import encode
from tests.fakes import manifest

QUARTERS = {"nw": (170, 0, 0), "ne": (0, 170, 0), "sw": (0, 0, 170), "se": (90, 90, 90)}


def quarters(size: tuple[int, int] = (60, 40), turn: int | None = None) -> bytes:
    """Return a PNG with a color a quarter; with ``turn`` one that EXIF turns upright to that."""
    width, height = size
    picture = Image.new("RGB", size, QUARTERS["nw"])
    picture.paste(QUARTERS["ne"], (width // 2, 0, width, height // 2))
    picture.paste(QUARTERS["sw"], (0, height // 2, width // 2, height))
    picture.paste(QUARTERS["se"], (width // 2, height // 2, width, height))
    if turn is None:
        return encode(picture, "PNG")
    exif = Image.Exif()
    exif[0x0112] = turn
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[turn]
    return encode(picture.transpose(back), "PNG", exif=exif)


def mask_of(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> bytes:
    """Return a PNG that is white in ``boxes``."""
    picture = Image.new("L", size, 0)
    for box in boxes:
        picture.paste(255, box)
    return encode(picture, "PNG")


class EmptyStore:
    """All that loading asks of a store, which has no items."""

    manifest = manifest()

    def item(self, key: str) -> None:
        return None


def loader(
    parts: Mapping[str, bytes], limits: Limits = DEFAULT_LIMITS, fetch: Fetch = fetch_nothing
) -> Examples:
    return Examples(EmptyStore(), limits, parts, fetch)  # type: ignore[arg-type]


def load(parts: Mapping[str, bytes], **image: Any) -> Example:
    example = ImageExample.model_validate({"part": "a", **image}, strict=False)
    return loader(parts).load(example, "terms[0].image")
