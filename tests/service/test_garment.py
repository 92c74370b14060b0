"""Garments drawn in a color, looked at pixel by pixel."""

import numpy as np
import pytest

from models.colors import RGB, to_lab
from models.preprocess import near_content
from service.garment import draw_garments

SIZE = 64
MIDDLE = slice(SIZE // 3, 2 * SIZE // 3)
COLORS = [(122, 31, 43), (0, 0, 255), (128, 128, 128), (0, 0, 0), (255, 215, 0)]


@pytest.mark.parametrize("color", COLORS)
def test_three_garments_are_drawn_on_white(color: RGB) -> None:
    drawn = draw_garments(color, SIZE)
    assert (drawn.shape, drawn.dtype) == ((3, SIZE, SIZE, 3), np.uint8)
    for row, column in ((0, 0), (0, -1), (SIZE - 1, 0), (SIZE - 1, -1)):
        assert (drawn[:, row, column] == 255).all()
    share = near_content(drawn, 245).mean(axis=(1, 2))
    assert (share > 0.3).all()
    assert (share < 0.9).all()


@pytest.mark.parametrize("color", [color for color in COLORS if any(color)])
def test_cloth_has_the_color_on_the_whole_and_folds(color: RGB) -> None:
    true = to_lab(draw_garments(color, SIZE)[1, MIDDLE, MIDDLE])
    np.testing.assert_allclose(true.mean(axis=(0, 1)), to_lab(color), atol=0.03)
    assert 0.005 < true[..., 0].std() < 0.1


@pytest.mark.parametrize("color", COLORS)
def test_shades_go_from_dark_to_light(color: RGB) -> None:
    lightness = to_lab(draw_garments(color, SIZE)[:, MIDDLE, MIDDLE])[..., 0].mean(axis=(1, 2))
    assert lightness[0] <= lightness[1] < lightness[2]


def test_same_color_is_drawn_the_same_every_time() -> None:
    first, again = (draw_garments((1, 2, 3), 32) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("size", [16, 224])
def test_garment_has_any_size(size: int) -> None:
    assert draw_garments((122, 31, 43), size).shape == (3, size, size, 3)
