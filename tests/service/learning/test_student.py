"""Self-training: as sure as right, blind to labels held out, and of use."""

from dataclasses import replace

import numpy as np
import pytest

from service.learning.arrays import softmax
from service.learning.student import SelfTraining, Teacher, temperature
from service.learning.ways import Lda
from tests.service.learning.made import codes_of, problem

NOBODY = np.zeros(0, np.int64)


def student() -> SelfTraining:
    return SelfTraining("all", (Teacher(Lda("1", (1e-2,)), 0.8), Teacher(Lda("2", (1e-2,)), 0.7)))


@pytest.mark.parametrize("sure", [0.4, 0.7, 0.95])
def test_temperature_makes_the_mean_confidence_what_is_asked(sure: float) -> None:
    logits = np.random.default_rng(0).standard_normal((200, 5)) * 30
    found = softmax(logits, temperature(logits, sure)).max(axis=1).mean()
    assert found == pytest.approx(sure, abs=1e-3)


def test_labels_held_out_change_nothing() -> None:
    posed = problem(codes_of(3, 8), others=30)
    rows, held = np.arange(0, 24, 2), np.arange(1, 24, 2)
    codes = posed.codes.copy()
    codes[held] = np.roll(codes[held], 5)
    one = student().train(posed, rows, held)
    other = student().train(replace(posed, codes=codes), rows, held)
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.matrix, b.matrix)


def test_items_without_a_label_help() -> None:
    codes = codes_of(4, 60)
    posed = problem(codes, seed=3, apart=1.2)
    few = np.concatenate([np.flatnonzero(codes == one)[:4] for one in range(4)])
    rest = np.setdiff1d(np.arange(len(codes)), few)

    def right(found: object) -> float:
        logits = found.logits(posed.coordinates["all"][rest])  # type: ignore[attr-defined]
        return float((logits.argmax(axis=1) == codes[rest]).mean())

    [alone] = Lda("all", (1e-3,)).train(posed, few, NOBODY)
    taught = student().single(1).train(posed, few, rest)[0]
    assert right(taught) > right(alone) + 0.05


def test_single_ridge_is_that_of_several() -> None:
    posed = problem(codes_of(3, 6), others=20)
    rows = np.arange(18)
    whole = student().train(posed, rows, NOBODY)
    [one] = student().single(2).train(posed, rows, NOBODY)
    assert np.array_equal(whole[2].matrix, one.matrix)
