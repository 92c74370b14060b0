"""Patterns: coverage in range, and the mark by which each is told from the rest."""

import numpy as np
import numpy.typing as npt
import pytest

from service.fabrics import PATTERNS, render
from service.fabrics.patterns import TABLE
from service.fabrics.plane import Plane

_SIZE = 192
_Grid = npt.NDArray[np.float32]


def _coverage(pattern: str, repeats: float = 6, seed: int = 1) -> _Grid:
    """A pattern drawn flat and unturned, `repeats` across."""
    axis = np.linspace(8, 8 + repeats, _SIZE, endpoint=False, dtype=np.float32)
    u, v = np.meshgrid(axis + np.float32(0.01), axis + np.float32(0.01))
    return TABLE[pattern].draw(Plane(u, v, repeats / _SIZE), np.random.default_rng(seed))


def _smooth_contrast(pattern: str, index: int) -> float:
    """Spread of brightness left after averaging away weave and noise in 8-pixel blocks."""
    grey = np.asarray(render("green", pattern, index=index, size=256).convert("L"), dtype=float)
    return float(grey.reshape(32, 8, 32, 8).mean(axis=(1, 3)).std())


def _anisotropy(pattern: str) -> float:
    """0 for gradients in all directions alike, 1 for gradients along one axis only."""
    down, across = np.gradient(_coverage(pattern))
    mixed = np.array([[(across**2).sum(), (across * down).sum()], [0, (down**2).sum()]])
    mixed[1, 0] = mixed[0, 1]
    low, high = np.linalg.eigvalsh(mixed)
    return float((high - low) / (high + low))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_coverage_lies_between_none_and_all(pattern: str) -> None:
    for seed in range(5):
        drawn = _coverage(pattern, seed=seed)
        assert drawn.shape == (_SIZE, _SIZE)
        assert drawn.min() >= 0
        assert drawn.max() <= 1 + 1e-6


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "plain"])
def test_second_tone_shows_but_does_not_take_over(pattern: str) -> None:
    for seed in range(5):
        assert 0.08 < _coverage(pattern, seed=seed).mean() < 0.62


def test_plain_has_no_second_tone() -> None:
    assert not _coverage("plain").any()


def test_plain_has_the_lowest_smooth_contrast_of_all() -> None:
    contrast = {
        name: np.mean([_smooth_contrast(name, index) for index in range(4)]) for name in PATTERNS
    }
    assert min(contrast, key=contrast.__getitem__) == "plain"


def test_stripes_run_one_way_and_checks_both() -> None:
    assert _anisotropy("stripes") > 0.98
    for pattern in ("gingham", "houndstooth", "dots", "leopard", "cracks"):
        assert _anisotropy(pattern) < 0.3


def test_gingham_has_three_levels() -> None:
    drawn = _coverage("gingham")
    for level in (0.0, 0.5, 1.0):
        assert (np.abs(drawn - level) < 0.01).mean() > 0.1


def test_houndstooth_follows_the_twill_thread_by_thread() -> None:
    axis = np.arange(8, dtype=np.float32) / 8 + np.float32(1 / 16)
    u: _Grid = np.tile(axis, (8, 1))
    v: _Grid = u.T
    drawn = TABLE["houndstooth"].draw(Plane(u, v, 0.001), np.random.default_rng(0))
    plain_corners = drawn[:4, :4], drawn[4:, 4:]
    assert [float(corner.mean()) for corner in plain_corners] == [1.0, 0.0]
    mixed = drawn[:4, 4:]
    assert mixed.sum(axis=0).tolist() == [2, 2, 2, 2]
    assert mixed.sum(axis=1).tolist() == [2, 2, 2, 2]


def test_herringbone_leans_the_other_way_in_the_next_column() -> None:
    down, across = np.gradient(_coverage("herringbone", repeats=4))
    lean = np.asarray(down * across).reshape(_SIZE, 4, _SIZE // 4)[:, :, 6:-6].sum(axis=(0, 2))
    assert np.sign(lean).tolist() in ([1, -1, 1, -1], [-1, 1, -1, 1])


def test_zigzag_turns_sharply_and_waves_turn_softly() -> None:
    assert _slope_variety("zigzag") < 0.5 * _slope_variety("waves")


def _slope_variety(pattern: str) -> float:
    """Spread of how steep band edges are, whichever way they lean."""
    down, across = np.gradient(_coverage(pattern, repeats=5))
    steep = np.hypot(down, across) > 0.2
    lean = np.arctan2(np.asarray(across)[steep], np.asarray(down)[steep])
    return float(np.abs(lean % np.pi - np.pi / 2).std())


def test_dots_are_round_islands_no_wider_than_a_repeat() -> None:
    drawn = _coverage("dots", repeats=6) > 0.5
    runs = [len(run) for row in drawn for run in "".join(" x"[int(c)] for c in row).split()]
    assert max(runs) < _SIZE / 6


@pytest.mark.parametrize("pattern", ["leopard", "cracks"])
def test_organic_patterns_never_repeat(pattern: str) -> None:
    drawn = _coverage(pattern, repeats=6)
    period = _SIZE // 6
    alike = [
        np.corrcoef(drawn[:, :period].ravel(), drawn[:, at : at + period].ravel())[0, 1]
        for at in range(period, _SIZE, period)
    ]
    assert max(alike) < 0.5


def test_regular_patterns_repeat_after_one_period() -> None:
    for pattern in ("stripes", "gingham", "houndstooth"):
        drawn = _coverage(pattern, repeats=6)
        np.testing.assert_allclose(drawn[:, :32], drawn[:, 32:64], atol=0.05)
