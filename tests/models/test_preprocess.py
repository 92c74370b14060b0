"""To the square: cropped, in proportion, centered on white."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.preprocess import Preprocess, content_box, darkest_channel, to_square

PREPROCESS = Preprocess()


def plain_square(image: Image.Image, size: int = 224, white: int = 245) -> NDArray[np.uint8]:
    """The same in the plainest words: loops over rows, Pillow's crop, then its resize."""
    pixels = np.asarray(image).astype(int)
    rows = [y for y in range(image.height) if pixels[y].min() < white]
    columns = [x for x in range(image.width) if pixels[:, x].min() < white]
    if rows:
        image = image.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    longest = max(image.size)
    width, height = (max(1, round(side * size / longest)) for side in image.size)
    small = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    square = np.full((size, size, 3), 255, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def framed(width: int, height: int, box: tuple[int, int, int, int], seed: int = 0) -> Image.Image:
    """Noise in ``box`` on a near-white sheet."""
    sheet = np.full((height, width, 3), 250, np.uint8)
    left, top, right, bottom = box
    noise = np.random.default_rng(seed).integers(0, 240, (bottom - top, right - left, 3))
    sheet[top:bottom, left:right] = noise
    return Image.fromarray(sheet)


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (300, 200, (0, 0, 300, 200)),
        (300, 200, (40, 30, 260, 170)),
        (224, 224, (10, 0, 224, 200)),
        (90, 150, (0, 10, 89, 150)),
        (600, 80, (1, 1, 599, 79)),
        (31, 500, (0, 0, 31, 500)),
    ],
)
def test_a_picture_comes_out_as_in_plain_words(
    width: int, height: int, box: tuple[int, int, int, int]
) -> None:
    image = framed(width, height, box)
    assert np.array_equal(to_square(image, PREPROCESS), plain_square(image))


def test_a_borderless_square_of_the_right_size_passes_unchanged() -> None:
    image = framed(224, 224, (0, 0, 224, 224))
    square = to_square(image, PREPROCESS)
    assert (square.shape, square.dtype) == ((224, 224, 3), np.uint8)
    assert np.array_equal(square, image)


def test_a_much_larger_picture_is_averaged_and_not_sampled() -> None:
    stripes = np.zeros((3000, 3000, 3), np.uint8)
    stripes[:, ::2] = 200
    square = to_square(Image.fromarray(stripes), PREPROCESS)
    assert np.abs(square.astype(int) - 100).max() <= 2


def test_a_much_larger_picture_is_near_the_plain_words() -> None:
    rows, columns = np.mgrid[0:1500, 0:2000]
    waves = (np.sin(rows / 60) + np.cos(columns / 45)) * 50 + 110
    image = Image.fromarray(np.stack([waves, waves / 2, 220 - waves], axis=2).astype(np.uint8))
    difference = to_square(image, PREPROCESS).astype(int) - plain_square(image)
    assert np.abs(difference).max() <= 3


def test_the_near_white_border_goes_and_the_rest_stays_in_proportion() -> None:
    square = to_square(framed(400, 400, (100, 150, 300, 250)), PREPROCESS)
    inked = (square.min(axis=2) < 245).nonzero()
    assert (inked[0].min(), inked[0].max()) == (56, 167)  # 112 of 224 rows, in the middle
    assert (inked[1].min(), inked[1].max()) == (0, 223)
    assert (square[:56] == 255).all()
    assert (square[168:] == 255).all()


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3, 2000)])
def test_a_sliver_is_a_line_in_the_middle(size: tuple[int, int]) -> None:
    square = to_square(Image.new("RGB", size, (200, 10, 10)), PREPROCESS)
    dark = (square == (200, 10, 10)).all(axis=2)
    assert dark.sum() == 224
    line = dark[:, 111] if size[0] < size[1] else dark[111]
    assert line.all()


def test_a_single_pixel_fills_the_square() -> None:
    assert (to_square(Image.new("RGB", (1, 1), (1, 2, 3)), PREPROCESS) == (1, 2, 3)).all()


def test_an_all_white_picture_stays_white() -> None:
    assert (to_square(Image.new("RGB", (30, 60), (255, 255, 255)), PREPROCESS) == 255).all()


def test_a_nearly_white_picture_without_content_is_kept_whole() -> None:
    square = to_square(Image.new("RGB", (30, 60), (246, 246, 246)), PREPROCESS)
    assert (square[:, 56:168] == 246).all()
    assert (square[:, :56] == 255).all()


def test_white_is_decided_by_the_darkest_channel() -> None:
    image = Image.new("RGB", (20, 20), (255, 255, 255))
    image.putpixel((3, 4), (255, 244, 255))
    image.putpixel((9, 15), (255, 255, 245))
    assert content_box(np.asarray(image), white=245) == (3, 4, 4, 5)
    assert content_box(np.asarray(image), white=246) == (3, 4, 10, 16)


def test_the_darkest_channel_is_the_minimum() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(darkest_channel(pixels), pixels.min(axis=-1))


def test_size_and_oversampling_decide_the_scale_of_decoding() -> None:
    assert Preprocess().decode_at_least == 672
    assert Preprocess(size=100, oversample=2).decode_at_least == 200
    assert Preprocess(oversample=0).decode_at_least is None
    assert to_square(framed(50, 40, (0, 0, 50, 40)), Preprocess(size=96)).shape == (96, 96, 3)
