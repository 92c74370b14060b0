"""Thumbnails."""

import io

import pytest
from PIL import Image

from models.errors import PictureError
from models.images import Limits
from service.thumbnails import SIZE, Thumbnails, thumbnail
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


def test_thumbnails_nobody_asked_for_longest_are_let_go() -> None:
    kept = Thumbnails(10)
    for name in "abc":
        assert kept.keep(name, b"1234") == b"1234"
        kept.kept("a")
    assert [kept.kept(name) for name in "abc"] == [b"1234", None, b"1234"]
    assert kept.kept("a", SIZE + 1) is None


def test_thumbnail_kept_again_counts_once_and_one_that_is_too_large_is_not_kept() -> None:
    kept = Thumbnails(10)
    for made in (b"12345", b"12345678", b"1234"):
        kept.keep("a", made)
    kept.keep("b", b"123456")
    assert (kept.kept("a"), kept.kept("b")) == (b"1234", b"123456")
    assert kept.keep("c", b"0" * 11) == b"0" * 11
    assert (kept.kept("a"), kept.kept("b"), kept.kept("c")) == (b"1234", b"123456", None)


def test_nothing_is_kept_without_room() -> None:
    kept = Thumbnails(0)
    kept.keep("a", b"1")
    assert kept.kept("a") is None
