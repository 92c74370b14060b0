"""Thumbnails."""

import io

import pytest
from PIL import Image

from models.errors import PictureError
from models.images import Limits
from service.thumbnails import SIZE, thumbnail
from tests.bad_pictures import AWKWARD, READABLE, encode, photo


def test_longer_side_is_brought_to_the_size_and_the_shape_kept() -> None:
    data = encode(photo(size=(1200, 600)), "JPEG")
    image = Image.open(io.BytesIO(thumbnail(data, Limits())))
    assert (image.format, image.size) == ("WEBP", (SIZE, SIZE // 2))


@pytest.mark.parametrize("name", READABLE)
def test_every_readable_picture_has_one(name: str) -> None:
    assert thumbnail(AWKWARD[name].make(), Limits())[:4] == b"RIFF"


@pytest.mark.parametrize("size", [(9000, 10), (3, 8000)])
def test_thin_picture_keeps_a_pixel_of_its_thin_side(size: tuple[int, int]) -> None:
    data = encode(photo(size=size), "PNG")
    image = Image.open(io.BytesIO(thumbnail(data, Limits())))
    assert (max(image.size), min(image.size)) == (SIZE, 1)


def test_what_is_no_picture_has_none() -> None:
    with pytest.raises(PictureError, match="not a picture"):
        thumbnail(b"no", Limits())
