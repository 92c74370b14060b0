"""Cutting out what counts of an example: a box, a mask, the background, and where it lay."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.preprocess import WHOLE, Cutout, Preprocess, Square, cut_square, to_square

PREPROCESS = Preprocess()
SMALL = Preprocess(size=32)
MARK = (255, 0, 0)


def noise(width: int, height: int, most: int = 240, seed: int = 0) -> Image.Image:
    """Noise without a near-white pixel, unless ``most`` is high."""
    values = np.random.default_rng(seed).integers(0, most, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def rectangle(width: int, height: int, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """A mask that is True in ``box``."""
    mask = np.zeros((height, width), np.bool_)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


@pytest.mark.parametrize("size", [(300, 200), (90, 150), (224, 224)])
def test_the_whole_picture_is_cut_as_it_is_indexed(size: tuple[int, int]) -> None:
    image = noise(*size)
    square = cut_square(image, PREPROCESS, WHOLE)
    assert np.array_equal(square.pixels, to_square(image, PREPROCESS))
    assert square.content is None  # near-white decides, as in the index


# --- boxes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [(0, 0, 300, 200), (10, 20, 110, 60), (299, 199, 300, 200)])
def test_a_region_is_seen_as_if_it_were_a_picture_of_its_own(
    box: tuple[int, int, int, int],
) -> None:
    image = noise(300, 200)
    square = cut_square(image, PREPROCESS, Cutout(box))
    assert np.array_equal(square.pixels, to_square(image.crop(box), PREPROCESS))
    assert square.content is None


def test_the_near_white_border_of_a_region_goes_too() -> None:
    image = Image.new("RGB", (100, 100), (250, 250, 250))
    image.paste(noise(20, 10), (40, 40))
    square = cut_square(image, PREPROCESS, Cutout((30, 30, 70, 70)))
    assert np.array_equal(square.pixels, to_square(noise(20, 10), PREPROCESS))


# --- masks -------------------------------------------------------------------------------------


def test_what_a_mask_leaves_out_is_painted_white_and_its_bounds_are_the_border() -> None:
    image, box = noise(200, 100), (20, 10, 180, 90)
    mask = rectangle(200, 100, box)
    mask[40:60, 90:110] = False  # a hole
    square = cut_square(image, PREPROCESS, Cutout(mask=mask))
    painted = np.where(mask[..., None], np.asarray(image), np.uint8(255))
    assert np.array_equal(square.pixels, to_square(Image.fromarray(painted).crop(box), PREPROCESS))


def test_a_mask_keeps_near_white_as_content_up_to_its_edge() -> None:
    image = Image.new("RGB", (100, 100), (252, 252, 252))
    image.paste((10, 20, 30), (45, 45, 55, 55))
    mask = rectangle(100, 100, (30, 40, 70, 60))
    square = cut_square(image, PREPROCESS, Cutout(mask=mask))
    assert square.content is not None
    rows, columns = np.nonzero(square.content)
    assert (columns.min(), columns.max()) == (0, 223)  # 40 x 20 pixels, as wide as the square
    assert (rows.min(), rows.max()) == (56, 167)
    assert square.content[56:168].all()
    assert (square.pixels[56:168][:, :80] == 252).all()
    assert (square.pixels[:56] == 255).all()


def test_content_is_where_the_mask_is_in_the_square() -> None:
    mask = np.random.default_rng(1).random((14, 14)) < 0.5
    mask[0], mask[-1] = True, True  # so that nothing is cropped
    mask[:, 0], mask[:, -1] = True, True
    large = np.kron(mask, np.ones((16, 16), np.bool_))
    square = cut_square(noise(224, 224), PREPROCESS, Cutout(mask=large))
    assert np.array_equal(square.content, large)
    assert (square.pixels[~large] == 255).all()


def test_a_mask_is_of_the_whole_picture_and_cut_with_it() -> None:
    image, box = noise(120, 80), (20, 10, 100, 70)
    mask = rectangle(120, 80, (50, 20, 120, 80))
    square = cut_square(image, PREPROCESS, Cutout(box, mask))
    left, top, right, bottom = box
    inner = cut_square(image.crop(box), PREPROCESS, Cutout(mask=mask[top:bottom, left:right]))
    assert np.array_equal(square.pixels, inner.pixels)
    assert square.content is not None
    assert np.array_equal(square.content, inner.content)
    assert square.extent == pytest.approx((50 / 120, 20 / 80, 100 / 120, 70 / 80))


def test_a_mask_without_a_place_that_counts_keeps_the_picture_whole() -> None:
    square = cut_square(noise(60, 60), SMALL, Cutout(mask=np.zeros((60, 60), np.bool_)))
    assert (square.pixels == 255).all()
    assert square.content is not None
    assert not square.content.any()
    assert square.extent == (0, 0, 1, 1)


# --- the background ----------------------------------------------------------------------------


def test_with_its_background_near_white_is_content_and_the_padding_is_not() -> None:
    image = Image.new("RGB", (100, 50), (250, 250, 250))
    image.paste((10, 20, 30), (40, 20, 60, 30))
    square = cut_square(image, PREPROCESS, Cutout(background=True))
    expected = rectangle(224, 224, (0, 56, 224, 168))
    assert np.array_equal(square.content, expected)
    assert (square.pixels[expected][:3] == 250).all()  # no border is cropped
    assert (square.pixels[~expected] == 255).all()


def test_a_region_with_its_background_keeps_its_border() -> None:
    image = Image.new("RGB", (100, 100), (255, 255, 255))
    image.paste(noise(10, 10), (45, 45))
    square = cut_square(image, SMALL, Cutout((20, 20, 84, 84), background=True))
    assert square.content is not None
    assert square.content.all()
    assert square.extent == pytest.approx((0.2, 0.2, 0.84, 0.84))


# --- where it lay ------------------------------------------------------------------------------


def found_at(square: Square) -> tuple[float, float]:
    """Where the middle of the mark lies, in fractions of the upright picture."""
    red = np.maximum(200.0 - square.pixels[..., 1], 0)  # nothing else has so little green
    size = len(red)
    middle = (np.arange(size) + 0.5) / size
    x, y = (red.sum(axis=at) @ middle / red.sum() for at in (0, 1))
    left, top, right, bottom = square.extent
    return left + x * (right - left), top + y * (bottom - top)


def marked(width: int, height: int, at: tuple[int, int], border: int = 0) -> Image.Image:
    """A picture with a red mark of 5 x 5 pixels whose first is ``at``."""
    image = Image.new("RGB", (width, height), (255, 255, 255))
    image.paste((0, 200, 200), (border, border, width - border, height - border))
    image.paste(MARK, (at[0], at[1], at[0] + 5, at[1] + 5))
    return image


@pytest.mark.parametrize(
    ("size", "border", "cutout"),
    [
        ((300, 100), 0, WHOLE),
        ((101, 307), 0, WHOLE),
        ((300, 100), 20, WHOLE),
        ((157, 223), 33, WHOLE),
        ((1000, 700), 150, WHOLE),
        ((300, 200), 0, Cutout((20, 30, 150, 100))),
        ((300, 200), 40, Cutout((20, 30, 150, 100))),
        ((300, 200), 40, Cutout((30, 10, 90, 190))),
        ((300, 200), 40, Cutout((20, 30, 150, 100), background=True)),
        ((300, 200), 40, Cutout(background=True)),
        ((300, 200), 0, Cutout(mask=rectangle(300, 200, (40, 25, 280, 120)))),
        ((300, 200), 10, Cutout((20, 30, 150, 100), rectangle(300, 200, (60, 25, 280, 120)))),
    ],
)
@pytest.mark.parametrize("at", [(62, 41), (78, 55)])
def test_extent_says_where_in_the_picture_a_place_of_the_square_lies(
    size: tuple[int, int], border: int, cutout: Cutout, at: tuple[int, int]
) -> None:
    if size[0] > 900:
        at = (at[0] * 5, at[1] * 5)
    square = cut_square(marked(*size, at, border), PREPROCESS, cutout)
    x, y = found_at(square)
    assert x * size[0] == pytest.approx(at[0] + 2.5, abs=0.6)
    assert y * size[1] == pytest.approx(at[1] + 2.5, abs=0.6)


def test_extent_of_a_borderless_square_is_the_picture_and_padding_reaches_outside() -> None:
    assert cut_square(noise(224, 224), PREPROCESS).extent == (0, 0, 1, 1)
    assert cut_square(noise(200, 100), PREPROCESS).extent == pytest.approx((0, -0.5, 1, 1.5))
    assert cut_square(noise(100, 200), PREPROCESS).extent == pytest.approx((-0.5, 0, 1.5, 1))


def test_extent_is_the_same_of_a_picture_decoded_at_a_smaller_scale() -> None:
    image = marked(1200, 800, (310, 205), border=160)
    half = image.reduce(2)
    whole, small = cut_square(image, PREPROCESS).extent, cut_square(half, PREPROCESS).extent
    assert whole == pytest.approx(small, abs=0.01)
