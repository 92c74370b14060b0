"""Example pictures that cannot be had, or a part of them that is not there."""

from typing import Any

import pytest

from models.errors import PictureError, PictureTooLargeError
from models.images import Limits
from service.errors import QueryError
from service.fetching import FetchError
from service.opening import Opened
from service.query import ImageExample, Query
from tests.service.loading import load, loader, mask_of, quarters


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ({"box": [0, 0, 1.01, 1]}, r"region.box is \[0, 0, 1\.01, 1\]: expected fractions of 0 to"),
        ({"box": [-0.1, 0, 1, 1]}, "expected fractions of 0 to 1"),
        ({"box": [0.5, 0, 0.5, 1]}, "expected left < right and top < bottom"),
        ({"box": [0, 0.9, 1, 0.1]}, "expected left < right and top < bottom"),
        ({"unit": "pixel", "box": [0, 0, 61, 40]}, "pixels inside the picture of 60 x 40"),
        ({"unit": "pixel", "box": [0, 0, 60, 1e300]}, "pixels inside the picture of 60 x 40"),
        ({"unit": "pixel", "box": [70, 0, 80, 40]}, "pixels inside the picture of 60 x 40"),
        ({"unit": "pixel", "box": [-1, 0, 5, 5]}, "pixels inside the picture of 60 x 40"),
    ],
)
@pytest.mark.parametrize("turn", [None, 6])
def test_box_that_does_not_fit_is_named_with_what_would(
    region: dict[str, Any], words: str, turn: int | None
) -> None:
    with pytest.raises(QueryError, match=r"terms\[0\]\.image\." + ".*" + words):
        load({"a": quarters((60, 40), turn)}, region=region)


def test_mask_of_another_size_is_named_with_both_sizes() -> None:
    parts = {"a": quarters((60, 40), turn=6), "m": mask_of((40, 60), (0, 0, 40, 60))}
    with pytest.raises(QueryError, match=r"mask, part 'm', is 40 x 60 pixels: .*size.*60 x 40"):
        load(parts, mask={"part": "m"})


@pytest.mark.parametrize("region", [None, {"box": [0, 0, 0.5, 1]}])
def test_mask_that_leaves_nothing_is_refused(region: dict[str, Any] | None) -> None:
    white = [] if region is None else [(30, 0, 60, 40)]
    parts = {"a": quarters(), "m": mask_of((60, 40), *white)}
    with pytest.raises(QueryError, match="mask, part 'm', is black where it would count"):
        load(parts, mask={"part": "m"}, region=region)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        ({"part": "b"}, QueryError, r"terms\[0\].image.part: no part 'b' was sent; sent were 'a'"),
        ({"key": "none"}, QueryError, r"terms\[0\].image.key: no item has the key 'none'"),
        ({"key": "none", "background": "none"}, QueryError, "no item has the key 'none'"),
        ({"base64": "???"}, PictureError, r"terms\[0\].image, base64: it is not base64"),
        ({"base64": "AAA"}, PictureError, "base64: it is not base64"),
        ({"base64": "ä"}, PictureError, "base64: it is not base64"),
        ({"base64": "data:image/png;base64,AAAA"}, PictureError, "base64: it is not base64"),
        ({"base64": "AAAA"}, PictureError, "base64: it is not a picture"),
        ({"base64": ""}, PictureError, "base64: it has zero bytes"),
        (
            {"url": "https://a/b.jpg"},
            FetchError,
            r"terms\[0\].image.url: pictures by address are off",
        ),
        ({"part": "a", "mask": {"url": "x"}}, FetchError, r"image.mask.url: pictures by address"),
        ({"part": "a", "mask": {"part": "m"}}, QueryError, "image.mask.part: no part 'm' was sent"),
        ({"part": "a", "mask": {"key": "m"}}, QueryError, "image.mask.key: no item has the key"),
        ({"part": "a", "mask": {"base64": "AAAA"}}, PictureError, "mask, base64: it is not a pict"),
    ],
)
def test_example_that_cannot_be_had_is_named_by_its_place(
    image: dict[str, Any], error: type[Exception], words: str
) -> None:
    example = ImageExample.model_validate(image)
    with pytest.raises(error, match=words):
        loader({"a": quarters()}).load(example, "terms[0].image")


def test_parts_are_named_when_none_was_sent() -> None:
    with pytest.raises(QueryError, match="sent were none"):
        load({})


@pytest.mark.parametrize("name", ["a", "m"])
def test_picture_and_mask_keep_to_the_limits(name: str) -> None:
    small, large = quarters((10, 10)), quarters((100, 100))
    parts = {"a": small, "m": small, name: large}
    examples = loader(parts, Limits(max_pixels=200))
    image = ImageExample.model_validate({"part": "a", "mask": {"part": "m"}})
    with pytest.raises(PictureTooLargeError, match=f"part '{name}'"):
        examples.load(image, "terms[0].image")


def test_place_in_a_list_of_examples_is_named(opened: Opened) -> None:
    images = [{"key": "001.png"}, {"key": "none"}]
    query = Query.model_validate(
        {"terms": [{"attribute": "color", "image": images[:1]}, {"block": 2, "image": images}]}
    )
    with pytest.raises(QueryError, match=r"terms\[1\]\.image\[1\]\.key: no item has"):
        opened.searcher.answer(query, {})
