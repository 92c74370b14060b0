"""Dyes: jitter, second tones and the truth of color labels."""

import numpy as np
import pytest

from models.oklab import decode_srgb, lab_from_linear
from service.fabrics import COLORS, PATTERNS, render
from service.fabrics.palette import anchor_lab, swatch

# People forgive a change of lightness before a change of hue.
_WEIGHTS = np.array([0.5, 1.0, 1.0])
_ANCHORS = np.array([anchor_lab(color) for color in COLORS])


def _nearest_color(lab: np.ndarray) -> str:
    """The color whose anchor lies nearest an OKLab triple."""
    return COLORS[int(np.argmin(np.linalg.norm((_ANCHORS - lab) * _WEIGHTS, axis=1)))]


@pytest.mark.parametrize("color", COLORS)
def test_mean_color_of_every_pattern_is_nearest_its_own_anchor(color: str) -> None:
    named = {}
    for pattern in PATTERNS:
        for index in range(3):
            picture = np.asarray(render(color, pattern, index=index, size=96))
            mean = lab_from_linear(decode_srgb(picture)).reshape(-1, 3).mean(axis=0)
            named[pattern, index] = _nearest_color(mean)
    assert {key: name for key, name in named.items() if name != color} == {}


@pytest.mark.parametrize("color", COLORS)
def test_jittered_base_stays_nearest_its_own_anchor(color: str) -> None:
    rng = np.random.default_rng(3)
    assert {_nearest_color(swatch(color, 0.4, False, rng).base) for _ in range(100)} == {color}


def test_jitter_gives_no_two_swatches_the_same_base() -> None:
    rng = np.random.default_rng(3)
    bases = {tuple(swatch("red", 0.4, False, rng).base.tolist()) for _ in range(20)}
    assert len(bases) == 20


@pytest.mark.parametrize("color", COLORS)
def test_second_tone_stands_out_yet_moves_the_mean_little(color: str) -> None:
    rng = np.random.default_rng(5)
    for share in (0.15, 0.3, 0.5):
        tones = swatch(color, share, False, rng)
        gap = float(np.linalg.norm(tones.second - tones.base))
        assert gap > 0.12
        assert share * gap < 0.13


def test_darker_swatch_of_a_light_color_has_a_darker_second_tone() -> None:
    rng = np.random.default_rng(5)
    pairs = [swatch("yellow", 0.3, True, rng) for _ in range(20)]
    assert all(pair.second[0] < pair.base[0] for pair in pairs)


def test_second_tone_of_black_is_lighter_even_when_darker_is_asked() -> None:
    pair = swatch("black", 0.3, True, np.random.default_rng(5))
    assert pair.second[0] > pair.base[0]
