"""Examples and masks by address, in one query."""

from collections.abc import Callable

import numpy as np
import pytest

from models.errors import PictureError, PictureTooLargeError
from models.images import Limits
from service.errors import QueryError
from service.examples import MAX_ADDRESSES
from service.fetching import FetchError
from service.query import ImageExample
from tests.service.loading import loader, mask_of, quarters

PLACE = "terms[0].image"
PICTURES = {
    "https://a.example/a.png?key=secret": quarters(),
    "https://a.example/m.png": mask_of((60, 40), (0, 0, 30, 20)),
    "https://a.example/page": b"<html>private</html>",
}


class Recorder:
    """Fetches from ``PICTURES`` and keeps which."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return PICTURES[url]


def example(**image: object) -> ImageExample:
    return ImageExample.model_validate(image)


def test_picture_and_mask_by_address_are_those_sent_as_parts() -> None:
    address, mask = list(PICTURES)[:2]
    parts = {"a": PICTURES[address], "m": PICTURES[mask]}
    found = loader({}, fetch=Recorder()).load(example(url=address, mask={"url": mask}), PLACE)
    sent = loader(parts).load(example(part="a", mask={"part": "m"}), PLACE)
    assert found.square is not None
    assert sent.square is not None
    np.testing.assert_array_equal(found.square.pixels, sent.square.pixels)


def test_address_is_asked_once_however_often_a_query_names_it() -> None:
    fetch, address = Recorder(), next(iter(PICTURES))
    examples = loader({}, fetch=fetch)
    for image in ({"url": address}, {"url": address, "background": "none"}):
        examples.load(example(**image), PLACE)
    assert fetch.asked == [address]


def test_query_has_only_so_many_addresses() -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return quarters()

    examples = loader({}, fetch=fetch)
    for number in range(MAX_ADDRESSES):
        examples.load(example(url=f"https://a.example/{number}"), PLACE)
    with pytest.raises(QueryError, match=r"terms\[0\]\.image\.url: .* at most 8 addresses"):
        examples.load(example(url="https://a.example/more"), PLACE)
    assert len(asked) == MAX_ADDRESSES


def failing(error: PictureError) -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        raise error

    return fetch


@pytest.mark.parametrize("error", [FetchError("why"), PictureTooLargeError("why")])
def test_what_cannot_be_fetched_is_named_by_its_place(error: PictureError) -> None:
    with pytest.raises(type(error), match=r"^terms\[0\]\.image\.mask\.url: why$"):
        loader({"a": quarters()}, fetch=failing(error)).load(
            example(part="a", mask={"url": "https://a.example/m.png"}), PLACE
        )


def test_what_is_no_picture_is_named_by_its_host_alone() -> None:
    with pytest.raises(PictureError) as caught:
        loader({}, fetch=Recorder()).load(example(url="https://a.example/page"), PLACE)
    words = str(caught.value)
    assert words.startswith(
        "terms[0].image, url at 'a.example': it is not a picture: expected one of JPEG"
    )
    too_large = loader({}, Limits(max_pixels=100), Recorder())
    with pytest.raises(PictureTooLargeError) as large:
        too_large.load(example(url=next(iter(PICTURES))), PLACE)
    assert "secret" not in str(large.value)
