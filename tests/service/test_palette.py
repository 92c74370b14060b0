"""Palettes as they are shown."""

import io

import numpy as np
import pytest
from PIL import Image

from models.dominant import Dominant
from models.errors import PictureError, PictureTooLargeError
from models.images import Limits
from models.preprocess import Preprocess
from service.palette import extract_palette, rank_colors


def png(*colors: tuple[int, int, int]) -> bytes:
    """Return a picture of upright stripes of the same width."""
    buffer = io.BytesIO()
    pixels = np.repeat(np.array([colors], np.uint8), 40, axis=1).repeat(120, axis=0)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_colors_are_ranked_from_one() -> None:
    colors = (Dominant(0.7, "#ff0000", "red"), Dominant(0.3, "#0000ff", "blue"))
    assert [one.model_dump() for one in rank_colors(colors)] == [
        {"rank": 1, "weight": 0.7, "hex": "#ff0000", "name": "red"},
        {"rank": 2, "weight": 0.3, "hex": "#0000ff", "name": "blue"},
    ]


@pytest.mark.parametrize("most", [1, 2, 8])
def test_a_picture_shows_its_colors_and_not_its_white_border(most: int) -> None:
    data = png((255, 255, 255), (200, 30, 40), (200, 30, 40), (20, 60, 160), (255, 255, 255))
    found = extract_palette(data, Limits(), Preprocess(), most).colors
    assert [one.name for one in found] == ["red", "blue"][:most]
    assert sum(one.weight for one in found) == pytest.approx(1)


def test_bytes_that_are_no_picture_or_too_much_of_one_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # put back afterwards: limits set it
    with pytest.raises(PictureError, match="not a picture"):
        extract_palette(b"no picture", Limits(), Preprocess())
    with pytest.raises(PictureTooLargeError, match="pixels"):
        extract_palette(png((0, 0, 0)), Limits(max_pixels=100), Preprocess())
