"""The floor for color: shares of bins of the foreground, and the like of dominant colors."""

import numpy as np
import pytest

from models.dominant import Dominant
from service.evaluation.histogram import histogram, palette_histogram


def flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((8, 8, 3), (red, green, blue), np.uint8)


def test_histogram_has_unit_length_and_counts_the_foreground_alone() -> None:
    half = flat(200, 30, 30)
    half[:, :4] = 255
    np.testing.assert_array_equal(histogram(half, 245), histogram(flat(200, 30, 30), 245))
    assert np.linalg.norm(histogram(half, 245)) == pytest.approx(1)


def test_all_white_picture_has_a_histogram_too() -> None:
    assert np.linalg.norm(histogram(flat(255, 255, 255), 245)) == pytest.approx(1)


def test_shares_are_those_of_places() -> None:
    two = flat(200, 30, 30)
    two[:2] = (20, 20, 160)
    assert sorted(histogram(two, 245)[histogram(two, 245) > 0] ** 2) == pytest.approx([0.25, 0.75])


def test_nearer_colors_have_nearer_palettes() -> None:
    red, other_red, blue = (
        palette_histogram((Dominant(1.0, one, "red"),)) for one in ("#c01818", "#b03020", "#2020c0")
    )
    assert red @ other_red > 0.7
    assert red @ blue < 0.1
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-6)
