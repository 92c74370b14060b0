"""Layouts of maps: near ones near, the same each time, thumbnails that do not overlap."""

import numpy as np
import pytest

from service.evaluation import layout
from service.evaluation.layout import MIN_ITEMS, Plane, fitted, lay_out, sampled, thinned
from service.evaluation.ranking import Rows


def two_groups(count: int) -> np.ndarray:
    """Return unit vectors of two directions, one after the other, with some noise."""
    random = np.random.default_rng(3)
    vectors = random.normal(0, 0.05, (count, 8)).astype(np.float32)
    vectors[::2, 0] += 1
    vectors[1::2, 1] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_groups_lie_apart_and_a_seed_pins_every_place(metric: str) -> None:
    vectors = two_groups(60)
    places = lay_out(vectors, metric, 0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(places, lay_out(vectors, metric, 0))  # type: ignore[arg-type]
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    nearest = far.argmin(axis=1)
    assert (nearest % 2 == np.arange(60) % 2).mean() > 0.9


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_fewest_vectors_that_are_all_equal_have_places(value: float) -> None:
    vectors = np.full((MIN_ITEMS, 4), value, np.float32)
    assert np.isfinite(fitted(lay_out(vectors, "cosine", 0), Plane())).all()


def test_places_fill_the_plane_within_its_margin_the_wide_way_across() -> None:
    random = np.random.default_rng(0)
    upright = random.normal(0, 1, (50, 2)) * [1, 9]
    plane = Plane(width=200, height=100, margin=10)
    found = fitted(upright, plane)
    np.testing.assert_allclose(found.min(axis=0), [10, 10])
    np.testing.assert_allclose(found.max(axis=0), [190, 90])
    assert abs(np.corrcoef(found[:, 0], upright[:, 1])[0, 1]) > 0.99


def test_places_that_are_all_one_stay_on_the_plane() -> None:
    found = fitted(np.ones((10, 2)), Plane())
    assert np.isfinite(found).all()


def test_thumbnails_do_not_overlap_and_none_that_has_room_is_left_out() -> None:
    random = np.random.default_rng(0)
    places = random.random((300, 2)) * 200
    order: Rows = random.permutation(300)
    chosen = thinned(places, order, 20)
    assert chosen[0] == order[0]
    gaps = np.abs(places[chosen][:, None] - places[chosen][None]).max(axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() >= 20
    rest = [at for at in range(300) if at not in chosen]
    assert np.abs(places[rest][:, None] - places[chosen][None]).max(axis=2).min(axis=1).max() < 20


def test_many_rows_are_sampled_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_ITEMS", 5)
    rows = np.arange(100, 120)
    assert sampled(rows[:5], 0).tolist() == [100, 101, 102, 103, 104]
    some = sampled(rows, 0)
    assert len(set(some.tolist())) == 5
    assert set(some.tolist()) <= set(rows.tolist())
    assert some.tolist() == sampled(rows, 0).tolist() == sorted(some.tolist())
    assert some.tolist() != sampled(rows, 1).tolist()
