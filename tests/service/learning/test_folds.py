"""Folds hold everyone out, and what is counted there is what it says."""

import numpy as np
import pytest

from service.evaluation.ranking import judge
from service.learning.folds import Tally, average_precisions, make_folds
from tests.service.learning.made import codes_of


@pytest.mark.parametrize(("each", "count", "repeats"), [(4, 2, 5), (7, 3, 3), (50, 5, 1)])
def test_every_item_is_held_out_equally_often(each: int, count: int, repeats: int) -> None:
    codes = codes_of(3, each)
    folds = make_folds(codes)
    assert len(folds) == count * repeats
    times = np.zeros(len(codes))
    for rows, held in folds:
        assert sorted([*rows, *held]) == list(range(len(codes)))
        assert np.bincount(codes[held], minlength=3).min() >= each // count
        times[held] += 1
    assert set(times) == {repeats}


def test_folds_hang_on_the_seed_alone() -> None:
    codes = codes_of(3, 6)
    one, same, other = (
        [held.tolist() for _, held in make_folds(codes, seed)] for seed in (0, 0, 1)
    )
    assert one == same != other


def test_average_precision_is_that_of_the_evaluation() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, 20).astype(np.int32)
    rows = random.standard_normal((20, 4))
    similarities = rows @ rows.T
    found, asked = average_precisions(similarities, codes)
    order = np.argsort(-np.where(np.eye(20) > 0, -np.inf, similarities), axis=1)[:, :-1]
    expected = judge(order, codes, np.arange(20)).values["map"]
    assert asked.all()
    assert found == pytest.approx(expected)


def test_item_alone_of_its_class_does_not_ask() -> None:
    found, asked = average_precisions(np.ones((3, 3)), np.int32([0, 0, 1]))
    assert asked.tolist() == [1, 1, 0]
    assert found[2] == 0


def test_tally_averages_over_the_times_an_item_was_held_out() -> None:
    tally = Tally(np.int32([0, 0, 1, 1]))
    near = np.eye(4)
    near[0, 1] = near[1, 0] = near[2, 3] = near[3, 2] = 0.9
    tally.add(np.arange(4), near, np.array([0, 0, 1, 0]))
    tally.add(np.arange(4), 1 - near, np.array([0, 1, 1, 0]))
    scores = tally.scores()
    assert scores.precision[0] == pytest.approx((1 + 1 / 3) / 2)
    assert scores.right.tolist() == [1, 0.5, 1, 0]
    assert scores.accuracy == pytest.approx(0.625)


def test_chance_is_that_of_blind_guesses_of_the_same_classes() -> None:
    codes = np.int32([0] * 9 + [1])
    tally = Tally(codes)
    tally.add(np.arange(10), np.eye(10), np.array([0] * 10))
    assert tally.scores().chance == pytest.approx(0.9)
    tally.add(np.arange(10), np.eye(10), np.array([1] * 10))
    assert tally.scores().chance == pytest.approx(0.5)
