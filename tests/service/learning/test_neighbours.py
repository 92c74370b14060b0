"""Votes of neighbours and what they are worth."""

import numpy as np
import pytest

from service.learning.arrays import one_hot
from service.learning.neighbours import (
    calibrated,
    calibration_error,
    fit_temperature,
    nearest,
    surprise,
    votes,
)


def test_votes_weigh_the_ten_nearest_by_how_near_they_are() -> None:
    random = np.random.default_rng(0)
    near, codes = random.uniform(-1, 1, (3, 25)), random.integers(0, 4, 25)
    found = votes(near, one_hot(codes.astype(np.int32), 4))
    for row, line in zip(found, near, strict=True):
        total = np.full(4, 0.02 / 4)
        for at in np.argsort(-line)[:10]:
            total[codes[at]] += np.exp((line[at] - line.max()) / 0.1)
        assert row == pytest.approx(total / total.sum())


def test_fewer_labels_than_neighbours_all_vote() -> None:
    found = votes(np.array([[0.9, 0.9, 0.1]]), np.eye(3))
    assert found.sum() == pytest.approx(1)
    assert found[0, 0] == pytest.approx(found[0, 1])
    assert found[0, 2] < 0.02


def test_temperature_is_the_one_that_surprises_least() -> None:
    random = np.random.default_rng(0)
    true = random.dirichlet(np.ones(4), 3000)
    codes = np.array([random.choice(4, p=row) for row in true], np.int32)
    # Too sure: as sharp as the truth to the third power.
    cast = true**3 / (true**3).sum(axis=1, keepdims=True)
    found = fit_temperature(cast, codes)
    assert found == pytest.approx(3, abs=0.3)
    around = [surprise(calibrated(cast, heat), codes) for heat in (found / 1.3, found, found * 1.3)]
    assert around[1] == min(around)


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    right = np.array([1.0, 0.0] * 50)
    assert calibration_error(np.full(100, 0.5), right) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.9), right) == pytest.approx(0.4)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_nearest_passes_over_the_item_itself(metric: str) -> None:
    rows = np.float32([[1, 0], [0.6, 0.8], [0, 1]])
    found = nearest(rows, rows, metric, same=True)  # type: ignore[arg-type]
    expected = [0.6, 0.8, 0.8] if metric == "cosine" else -np.sqrt([0.8, 0.4, 0.4])
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    itself = nearest(rows, rows, metric)  # type: ignore[arg-type]
    assert itself == pytest.approx(np.ones(3) if metric == "cosine" else np.zeros(3), abs=1e-3)
