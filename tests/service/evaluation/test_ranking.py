"""The measures: equal to scikit-learn's and to a plain loop, and to what chance gives."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier

from service.evaluation import ranking
from service.evaluation.ranking import by_chance, measure, vote

RANDOM = np.random.default_rng(3)
CODES = RANDOM.integers(0, 4, 60).astype(np.int32)
VECTORS = (RANDOM.standard_normal((60, 8)) + CODES[:, None]).astype(np.float32)
ALL = np.arange(60)


def test_average_precision_and_nearest_neighbour_are_those_of_scikit_learn() -> None:
    (found,) = measure(VECTORS, "l2", [(CODES, ALL)])
    for at in ALL:
        others = np.delete(ALL, at)
        near = -np.linalg.norm(VECTORS[others] - VECTORS[at], axis=1)
        expected = average_precision_score(CODES[others] == CODES[at], near)
        assert found.values["map"][at] == pytest.approx(expected)
        one = KNeighborsClassifier(1).fit(VECTORS[others], CODES[others])
        right = one.predict(VECTORS[at][None])[0] == CODES[at]
        assert found.values["accuracy_1"][at] == right == found.values["precision_1"][at]


def test_five_neighbours_vote_and_the_nearest_breaks_ties() -> None:
    nearest = np.array([[3, 1, 1, 3, 2], [0, 1, 1, 2, 2], [2, 1, 1, 1, 2]], np.int32)
    assert vote(nearest).tolist() == [3, 1, 1]


def test_precision_counts_what_is_found_among_the_first() -> None:
    places = np.array([[0.0], [1.0], [2.1], [3.3], [9.0]], np.float32)
    codes = np.array([0, 1, 0, 0, 1], np.int32)
    (found,) = measure(places, "l2", [(codes, np.array([0]))])
    assert found.values["precision_1"][0] == 0
    assert found.values["precision_5"][0] == pytest.approx(2 / 5)
    assert found.values["map"][0] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_items_without_a_label_are_as_if_they_were_not_there() -> None:
    labelled = np.flatnonzero(ALL % 3)
    codes = np.where(ALL % 3, CODES, -1).astype(np.int32)
    (some,) = measure(VECTORS, "l2", [(codes, labelled)])
    (alone,) = measure(VECTORS[labelled], "l2", [(CODES[labelled], np.arange(len(labelled)))])
    for name in ranking.MEASURES:
        np.testing.assert_allclose(some.values[name], alone.values[name])


def test_columns_and_chunks_do_not_change_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    other = (CODES % 2).astype(np.int32)
    whole = measure(VECTORS, "cosine", [(CODES, ALL), (other, ALL[::2])])
    monkeypatch.setattr(ranking, "_CELLS", 60 * 7)
    for one, two in zip(measure(VECTORS, "cosine", [(CODES, ALL), (other, ALL[::2])]), whole,
                        strict=True):  # fmt: skip
        for name in ranking.MEASURES:
            np.testing.assert_array_equal(one.values[name], two.values[name])


def test_chance_is_what_random_orders_come_to() -> None:
    expected = by_chance(CODES, ALL)
    drawn = [measure(RANDOM.random((60, 1)).astype(np.float32), "l2", [(CODES, ALL)])[0]
             for _ in range(400)]  # fmt: skip
    for name in ("map", "precision_5", "precision_10"):
        mean = np.mean([one.values[name] for one in drawn])
        assert expected.values[name].mean() == pytest.approx(mean, abs=0.01)
    assert expected.values["accuracy_5"].mean() == np.bincount(CODES).max() / 60
