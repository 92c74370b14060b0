"""Bootstrap intervals: seeded, as wide as theory has them, paired, by class."""

import numpy as np
import pytest

from service.evaluation.intervals import Resamples

RANDOM = np.random.default_rng(1)
CLASSES = np.repeat(np.arange(4), [100, 200, 50, 50]).astype(np.int32)
VALUES = RANDOM.normal(0.5, 0.2, 400) + CLASSES * 0.1


def test_interval_is_as_wide_as_the_normal_one() -> None:
    found = Resamples(CLASSES).mean(VALUES)
    half = 1.96 * VALUES.std() / 20
    assert found.value == pytest.approx(VALUES.mean())
    assert (found.low, found.high) == pytest.approx(
        (VALUES.mean() - half, VALUES.mean() + half), abs=half / 5
    )


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    first = Resamples(CLASSES, 7).mean(VALUES)
    assert Resamples(CLASSES, 7).mean(VALUES) == first
    assert Resamples(CLASSES, 8).mean(VALUES) != first


def test_order_of_queries_does_not_matter_to_classes() -> None:
    order = RANDOM.permutation(400)
    resamples = Resamples(CLASSES[order])
    macro, each = resamples.by_class(VALUES[order])
    means = [VALUES[code == CLASSES].mean() for code in range(4)]
    assert [one.value for one in each] == pytest.approx(means)
    assert macro.value == pytest.approx(np.mean(means))
    assert all(one.low < one.value < one.high for one in (macro, *each))


def test_differences_are_paired() -> None:
    better = VALUES + 0.01
    gap = Resamples(CLASSES).mean(better - VALUES)
    assert gap.low == pytest.approx(0.01, abs=1e-4)
    assert gap.high == pytest.approx(0.01, abs=1e-4)


def test_class_of_two_queries_has_an_interval() -> None:
    classes = np.array([0, 0, 1, 1, 1, 1, 1, 1], np.int32)
    _, each = Resamples(classes).by_class(np.array([0.0, 1, 1, 1, 1, 1, 1, 1]))
    assert (each[0].low, each[0].value, each[0].high) == (0, 0.5, 1)
    assert (each[1].low, each[1].high) == (1, 1)
