"""OKLab: round trips, known points and gamut clipping."""

import numpy as np

from models.oklab import decode_srgb, encode_srgb, lab_from_linear, linear_from_lab


def test_oklab_round_trip_returns_the_same_light() -> None:
    linear = np.random.default_rng(0).uniform(0, 1, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(linear_from_lab(lab_from_linear(linear)), linear, atol=1e-4)


def test_white_has_full_lightness_and_no_chroma() -> None:
    np.testing.assert_allclose(lab_from_linear(decode_srgb((255, 255, 255))), (1, 0, 0), atol=1e-3)


def test_srgb_round_trip_returns_every_eight_bit_value() -> None:
    values = np.arange(256)
    np.testing.assert_array_equal(np.rint(encode_srgb(decode_srgb(values))), values)


def test_color_beyond_the_gamut_is_clipped_to_light_that_exists() -> None:
    linear = linear_from_lab((0.9, 0.4, 0.0))
    assert linear.min() == 0
    assert linear.max() <= 1
