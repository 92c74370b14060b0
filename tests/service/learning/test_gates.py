"""Gates: labels at random are refused, what is learned well is not."""

from dataclasses import replace

import numpy as np
import pytest

from service.learning.choosing import Search, Tried, search
from service.learning.folds import Scores
from service.learning.gates import judge
from service.learning.problem import Problem
from service.learning.ways import Lda
from tests.service.learning.made import codes_of, problem


def shuffled(posed: Problem, seed: int) -> Problem:
    return replace(posed, codes=np.random.default_rng(seed).permutation(posed.codes))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("classes", "each"), [(4, 5), (6, 12)])
def test_labels_at_random_are_refused(classes: int, each: int, seed: int) -> None:
    posed = shuffled(problem(codes_of(classes, each), others=20, seed=seed), seed)
    assert judge(search(posed, "lda")).refused


@pytest.mark.parametrize("each", [5, 20])
def test_labels_that_pictures_show_are_not(each: int) -> None:
    verdict = judge(search(problem(codes_of(5, each), others=30), "lda"))
    assert verdict.refused is None
    assert verdict.gain.low > 0
    assert verdict.warning is None
    assert verdict.after.value - verdict.before.value == pytest.approx(verdict.gain.value)
    assert verdict.accuracy > 0.8
    assert verdict.chance == pytest.approx(0.2, abs=0.02)


def scores(precision: np.ndarray, right: float = 1.0) -> Scores:
    n = len(precision)
    return Scores(precision, np.full(n, right), np.ones(n, bool), 0.1)


def tried(*found: Scores) -> tuple[Tried, ...]:
    return tuple(Tried(Lda("all", (1e-3,)), 0.0, one) for one in found)


def test_luck_of_the_choice_is_taken_out() -> None:
    random = np.random.default_rng(0)
    free = scores(np.full(40, 0.5))
    lucky = [scores(0.5 + 0.2 * random.standard_normal(40)) for _ in range(60)]
    best = max(one.map for one in lucky)
    verdict = judge(Search(free, tried(*lucky)))
    assert best > 0.55
    assert verdict.after.value < (0.5 + best) / 2


def test_what_is_right_but_no_better_is_refused_and_says_by_how_much() -> None:
    worse = scores(np.full(40, 0.4))
    verdict = judge(Search(scores(np.full(40, 0.5)), tried(worse)))
    assert "no better than what is there: -0.100 mAP" in str(verdict.refused)


def test_gain_that_may_be_none_is_warned_of() -> None:
    random = np.random.default_rng(1)
    after = scores(0.5 + 0.02 + 0.3 * random.choice([-1.0, 1.0], 40))
    verdict = judge(Search(scores(np.full(40, 0.5)), tried(after)))
    assert verdict.refused is None or verdict.gain.value <= 0
    if verdict.refused is None:
        assert "may be none" in str(verdict.warning)


def test_always_the_most_frequent_class_is_chance() -> None:
    right = np.array([1.0] * 36 + [0.0] * 4)
    blind = Scores(np.full(40, 0.9), right, np.ones(40, bool), 0.9)
    verdict = judge(Search(scores(np.full(40, 0.5)), tried(blind)))
    assert "by chance it is 90%" in str(verdict.refused)
