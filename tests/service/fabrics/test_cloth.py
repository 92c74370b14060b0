"""Cloth: folds stay gentle, light stays fair, weave and noise stay fine."""

import numpy as np
import pytest

from service.fabrics.cloth import drape, expose, lit, weave


@pytest.mark.parametrize("seed", range(6))
def test_light_averages_one_and_never_goes_dark(seed: int) -> None:
    light = drape(128, np.random.default_rng(seed)).light
    assert light.mean() == pytest.approx(1, abs=1e-3)
    assert light.min() > 0.3
    assert light.std() > 0.02


@pytest.mark.parametrize("seed", range(6))
def test_folds_shift_the_cloth_by_less_than_a_tenth_of_the_picture(seed: int) -> None:
    sheet = drape(128, np.random.default_rng(seed))
    axis = (np.arange(128) + 0.5) / 128 - 0.5
    shift = np.hypot(sheet.x - axis, sheet.y - axis[:, None])
    assert 0.003 < shift.max() < 0.1


def test_folds_look_alike_at_any_size() -> None:
    small = drape(64, np.random.default_rng(4)).light
    large = drape(256, np.random.default_rng(4)).light
    shrunk = large.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(small[2:-2, 2:-2], shrunk[2:-2, 2:-2], atol=0.05)


def test_weave_is_fine_and_faint() -> None:
    u, v = np.meshgrid(*[np.linspace(0, 1, 256, dtype=np.float32)] * 2)
    relief = weave(u, v, 80, np.random.default_rng(0))
    blocks = relief.reshape(16, 16, 16, 16).mean(axis=(1, 3))
    assert relief.mean() == pytest.approx(1, abs=0.03)
    assert 0.03 < relief.std() < 0.15
    assert blocks.std() < relief.std() / 2


def test_lit_never_exceeds_full_light_and_keeps_order() -> None:
    light = np.linspace(0.2, 3, 50, dtype=np.float32).reshape(1, 50)
    seen = lit(np.full((1, 50, 3), 0.8, dtype=np.float32), light)
    assert seen.max() < 1
    assert (np.diff(seen[0, :, 0]) > 0).all()


def test_expose_adds_grain_around_the_true_value() -> None:
    shot = expose(np.full((128, 128, 3), 0.2140, dtype=np.float32), np.random.default_rng(0))
    assert shot.dtype == np.uint8
    assert shot.mean() == pytest.approx(127.5, abs=0.5)
    assert 1 < shot[..., 0].std() < 4
