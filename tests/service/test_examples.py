"""Example pictures: where they come from, and what of them counts."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureError
from models.preprocess import Cutout, cut_square
from service.examples import Example, Examples
from service.opening import Opened
from service.query import ImageExample, Query
from tests.bad_pictures import encode, photo
from tests.fakes import SMALL, FakeExtractor
from tests.service.loading import QUARTERS, load, loader, mask_of, quarters


def colors(example: Example) -> set[tuple[int, ...]]:
    assert example.square is not None
    return {tuple(color) for color in example.square.pixels.reshape(-1, 3).tolist()}


BOXES = {
    "nw": [0, 0, 0.5, 0.5],
    "ne": [0.5, 0, 1, 0.5],
    "sw": [0, 0.5, 0.5, 1],
    "se": [0.5, 0.5, 1, 1],
}


@pytest.mark.parametrize("turn", [None, 3, 6])
@pytest.mark.parametrize("unit", ["fraction", "pixel"])
@pytest.mark.parametrize("quarter", QUARTERS)
def test_region_is_a_box_of_the_upright_picture(quarter: str, unit: str, turn: int | None) -> None:
    parts = {"a": quarters((80, 40), turn)}
    scale = [80, 40, 80, 40] if unit == "pixel" else [1, 1, 1, 1]
    box = [edge * by for edge, by in zip(BOXES[quarter], scale, strict=True)]
    found = load(parts, region={"unit": unit, "box": box})
    assert colors(found) == {QUARTERS[quarter], (255, 255, 255)}, "the color and its padding"
    assert found.size == (80, 40)


def test_region_is_cut_out_as_the_picture_would_be_by_hand() -> None:
    picture = photo()
    found = load({"a": encode(picture, "PNG")}, region={"unit": "pixel", "box": [10, 5, 50, 35]})
    by_hand = cut_square(picture.crop((10, 5, 50, 35)), SMALL)
    assert found.square is not None
    np.testing.assert_array_equal(found.square.pixels, by_hand.pixels)
    assert found.square.content is None


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ([0.25, 0.25, 0.75, 0.75], (5, 10, 15, 30)),
        ([0.26, 0.01, 0.74, 0.99], (5, 0, 15, 40)),
        ([0.999, 0.999, 1, 1], (19, 39, 20, 40)),
        ([0, 0, 1e-9, 1e-9], (0, 0, 1, 1)),
        ([0.05, 0.025, 0.35, 0.175], (1, 1, 7, 7)),
    ],
)
def test_box_in_fractions_reaches_outwards_to_whole_pixels(
    box: list[float], pixels: tuple[int, int, int, int]
) -> None:
    picture = photo(size=(20, 40))
    found = load({"a": encode(picture, "PNG")}, region={"box": box})
    by_hand = cut_square(picture, SMALL, Cutout(box=pixels))
    assert found.square is not None
    np.testing.assert_array_equal(found.square.pixels, by_hand.pixels)
    assert found.square.extent == by_hand.extent


@pytest.mark.parametrize("width", [100, 333])
def test_box_in_fractions_ends_at_a_pixel_where_it_is_meant_to(width: int) -> None:
    picture = Image.new("RGB", (width, 10), "black")
    parts = {"a": encode(picture, "PNG")}
    for pixel in range(1, width):
        edge = pixel / width
        for box, pixels in (
            ([0, 0, edge, 1], (0, 0, pixel, 10)),
            ([edge, 0, 1, 1], (pixel, 0, width, 10)),
        ):
            found = load(parts, region={"box": box})
            assert found.square is not None
            assert found.square.extent == cut_square(picture, SMALL, Cutout(box=pixels)).extent


def test_whole_box_is_the_whole_picture() -> None:
    parts = {"a": encode(photo(), "PNG")}
    whole, boxed = load(parts), load(parts, region={"box": [0, 0, 1, 1]})
    assert whole.square is not None
    assert boxed.square is not None
    np.testing.assert_array_equal(whole.square.pixels, boxed.square.pixels)


@pytest.mark.parametrize("turn", [None, 3, 6])
def test_only_what_is_white_in_the_mask_counts(turn: int | None) -> None:
    parts = {"a": quarters((60, 40), turn), "m": mask_of((60, 40), (0, 20, 30, 40))}
    found = load(parts, mask={"part": "m"})
    assert found.square is not None
    assert colors(found) == {QUARTERS["sw"], (255, 255, 255)}
    content = found.square.content
    assert content is not None
    seen = {tuple(color) for color in found.square.pixels[content].tolist()}
    assert seen == {QUARTERS["sw"]}


def test_mask_and_region_together_leave_what_is_in_both() -> None:
    parts = {"a": quarters(), "m": mask_of((60, 40), (0, 0, 60, 20))}
    found = load(parts, mask={"part": "m"}, region={"box": [0.5, 0, 1, 1]})
    assert colors(found) - {(255, 255, 255)} == {QUARTERS["ne"]}


def test_mask_may_have_any_mode_and_come_in_any_way() -> None:
    mask = Image.open(io.BytesIO(mask_of((60, 40), (0, 0, 30, 20))))
    texts = [encode(mask.convert(mode), "PNG") for mode in ("1", "L", "RGB", "RGBA")]
    squares = [
        load({"a": quarters()}, mask={"base64": base64.b64encode(text).decode()}).square
        for text in texts
    ]
    assert {square.pixels.tobytes() for square in squares if square} == {
        load({"a": quarters(), "m": texts[0]}, mask={"part": "m"}).square.pixels.tobytes()  # type: ignore[union-attr]
    }


def test_mask_may_be_white_where_the_picture_is() -> None:
    parts = {
        "a": encode(Image.new("RGB", (20, 20), "white"), "PNG"),
        "m": mask_of((20, 20), (0, 0, 20, 20)),
    }
    found = load(parts, mask={"part": "m"})
    assert found.square is not None
    assert found.square.content is not None
    assert found.square.content.all()


def test_without_a_background_everything_counts() -> None:
    picture = Image.new("RGB", (40, 40), "white")
    picture.paste((170, 0, 0), (10, 10, 30, 30))
    parts = {"a": encode(picture, "PNG")}
    assert colors(load(parts)) == {(170, 0, 0)}
    assert colors(load(parts, background="auto")) == {(170, 0, 0)}
    found = load(parts, background="none")
    assert found.square is not None
    assert found.square.content is not None
    assert found.square.content.all()
    assert (255, 255, 255) in colors(found)


def test_whole_item_is_not_read_again_and_a_part_of_it_is(
    opened: Opened, pictures: Path, extractor: FakeExtractor
) -> None:
    examples = opened.searcher.examples({})
    whole = examples.load(ImageExample(key="007.png"), "")
    assert whole.item == opened.store.item("007.png")
    assert whole.square is None
    edited = {"key": "007.png", "region": {"box": [0, 0, 1, 1]}}
    query = Query.model_validate({"terms": [{"attribute": "color", "image": edited}]}, strict=False)
    assert opened.searcher.answer(query, {}).hits[0].key == "007.png"
    assert extractor.pictures == 1
    (pictures / "007.png").unlink()
    with pytest.raises(PictureError, match=r"terms\[0\].image, key '007.png': its picture cannot"):
        opened.searcher.answer(query, {})


def test_picture_is_decoded_once_however_many_terms_name_it() -> None:
    examples = loader({"a": quarters()})
    first = examples.load(ImageExample(part="a"), "terms[0].image")
    again = examples.load(ImageExample(part="a"), "terms[1].image")
    other = examples.load(ImageExample(part="a", background="none"), "terms[1].image")
    assert first is again
    assert other is not first


def test_base64_part_and_key_are_the_same_picture(opened: Opened, pictures: Path) -> None:
    data = (pictures / "007.png").read_bytes()
    text = base64.b64encode(data).decode()
    examples: Examples = opened.searcher.examples({"a": data})
    squares = [
        examples.load(ImageExample.model_validate(one), "").square
        for one in ({"part": "a"}, {"base64": text})
    ]
    item = opened.store.item("007.png")
    assert item is not None
    squares.append(examples.picture_of(item).square)
    assert len({one.pixels.tobytes() for one in squares if one}) == 1
