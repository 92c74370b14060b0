"""Ways of learning a projection."""

import numpy as np
import pytest

from service.learning.folds import average_precisions
from service.learning.problem import Way
from service.learning.ways import Lda, Nca, Whiten
from tests.service.learning.made import codes_of, problem

NOBODY = np.zeros(0, np.int64)


@pytest.mark.parametrize("way", [Lda("1"), Nca("1"), Whiten("1", 8)], ids=lambda way: way.method)
def test_each_ridge_gives_a_projection_of_all_coordinates(way: Way) -> None:
    posed = problem(codes_of(3, 10))
    found = way.train(posed, np.arange(30), NOBODY)
    assert len(found) == len(way.ridges)
    for at, one in enumerate(found):
        vectors = one.embed(posed.coordinates["1"])
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(30))
        [alone] = way.single(at).train(posed, np.arange(30), NOBODY)
        assert np.array_equal(alone.matrix, one.matrix)


@pytest.mark.parametrize("way", [Lda("all", (1e-2,)), Nca("all", (1e-2,))], ids=["lda", "nca"])
def test_what_is_learned_finds_classes_in_items_not_seen(way: Way) -> None:
    codes = codes_of(4, 20)
    posed = problem(codes, apart=1.5)
    rows, held = np.arange(0, 80, 2), np.arange(1, 80, 2)
    [found] = way.train(posed, rows, NOBODY)
    vectors = found.embed(posed.coordinates["all"][held])
    learned = average_precisions(vectors @ vectors.T, codes[held])[0].mean()
    plain = posed.coordinates["all"][held]
    before = average_precisions(plain @ plain.T, codes[held])[0].mean()
    assert learned > before + 0.2


def test_whitening_is_blind_to_labels_and_even() -> None:
    posed = problem(codes_of(3, 40))
    [found] = Whiten("all", 6, (1e-12,)).train(posed, np.arange(60), NOBODY)
    moved = found(posed.coordinates["all"])
    assert moved.shape == (120, 6)
    assert np.cov(moved.T, bias=True) == pytest.approx(np.eye(6), abs=1e-6)
