"""Spaces against plain numpy: root, mean, several pools, both metrics."""

import numpy as np
import pytest

from indexer.spaces import iterate, parse_metric, similarities, simple_space, unit
from models.errors import UnknownNameError
from models.extraction import PoolName

A, B = PoolName(1, "gap"), PoolName(4, "foreground")
RANDOM = np.random.default_rng(1)
RAW = {
    A: RANDOM.standard_normal((30, 4)).astype(np.float32),
    B: 50 * RANDOM.standard_normal((30, 7)).astype(np.float32),
}


def rooted(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.abs(values) ** 0.5


def scaled(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("centre", [False, True])
def test_one_pool_is_rooted_centred_and_scaled_to_unit_length(root: bool, centre: bool) -> None:
    expected = RAW[A].astype(np.float64)
    if root:
        expected = rooted(expected)
    if centre:
        expected = expected - expected.mean(axis=0)
    cosine = simple_space("a", (A,), root, centre, "cosine").fitted(lambda: [RAW])
    l2 = simple_space("a", (A,), root, centre, "l2").fitted(lambda: [RAW])
    np.testing.assert_allclose(cosine.transform(RAW), scaled(expected), atol=1e-6)
    np.testing.assert_allclose(l2.transform(RAW), expected, atol=1e-6)
    assert cosine.transform(RAW).dtype == l2.transform(RAW).dtype == np.float32


def test_several_pools_weigh_the_same_whatever_their_scale() -> None:
    space = simple_space("both", (A, B), False, True, "cosine").fitted(lambda: [RAW])
    parts = [scaled(RAW[pool] - RAW[pool].mean(axis=0)) for pool in (A, B)]
    expected = np.concatenate(parts, axis=1) / np.sqrt(2)
    np.testing.assert_allclose(space.transform(RAW), expected, atol=1e-6)


def test_several_pools_are_only_joined_for_l2() -> None:
    vectors = simple_space("both", (A, B), False, False, "l2").transform(RAW)
    np.testing.assert_array_equal(vectors, np.concatenate([RAW[A], RAW[B]], axis=1))


def test_the_mean_of_batches_is_the_mean_of_all() -> None:
    space = simple_space("both", (A, B), True, True, "cosine")
    batches = [{pool: raw[run] for pool, raw in RAW.items()} for run in iterate(np.arange(30), 7)]
    for layer, pool in zip(space.fitted(lambda: batches).layers, (A, B), strict=True):
        mean = rooted(RAW[pool]).mean(0, np.float64).astype(np.float32)
        np.testing.assert_array_equal(layer.shift, mean)
        assert layer.matrix is None


def test_a_centred_space_waits_for_its_mean() -> None:
    space = simple_space("a", (A,), False, True, "cosine")
    assert not space.ready
    assert not space.fitted(lambda: []).ready
    with pytest.raises(ValueError, match="space a has no statistics yet"):
        space.transform(RAW)
    assert space.fitted(lambda: [RAW]).ready
    uncentred = simple_space("a", (A,), False, False, "cosine")
    assert uncentred.ready
    assert uncentred.fitted(lambda: [RAW]) is uncentred


def test_a_row_of_zeros_stays_zero() -> None:
    vectors = unit(np.array([[0, 0], [3, 4]], np.float32))
    np.testing.assert_allclose(vectors, [[0, 0], [0.6, 0.8]], rtol=1e-6)


def test_similarities_are_cosines_or_distances_below_zero() -> None:
    queries, vectors = RAW[A][:3], RAW[A]
    cosines = similarities(scaled(queries), scaled(vectors), "cosine")
    distances = similarities(queries, vectors, "l2")
    np.testing.assert_allclose(cosines, scaled(queries) @ scaled(vectors).T, atol=1e-6)
    oracle = -np.linalg.norm(queries[:, None] - vectors[None], axis=2)
    np.testing.assert_allclose(distances, oracle, atol=2e-3)
    assert (distances <= 0).all()


@pytest.mark.parametrize("offset", [0, 100, 3000])
def test_near_vectors_far_from_the_origin_keep_their_distances(offset: float) -> None:
    vectors = (offset + 0.1 * RANDOM.standard_normal((40, 64))).astype(np.float32)
    distances = -similarities(vectors, vectors, "l2")
    exact = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    np.testing.assert_allclose(distances.diagonal(), 0, atol=2e-3)
    np.testing.assert_allclose(distances, exact, atol=2e-3)
    assert distances.argmin(axis=1).tolist() == list(range(40))
    assert distances.dtype == np.float32


def test_cosines_never_leave_their_range() -> None:
    vectors = unit(RANDOM.standard_normal((500, 33)).astype(np.float32))
    assert (vectors @ vectors.T).max() > 1  # rounding does
    cosines = similarities(vectors, np.concatenate([vectors, -vectors]), "cosine")
    assert (cosines.min(), cosines.max()) == (-1, 1)


def test_runs_cover_all_slots_in_order() -> None:
    runs = list(iterate(np.arange(10), 4))
    assert [len(run) for run in runs] == [4, 4, 2]
    assert np.concatenate(runs).tolist() == list(range(10))


def test_an_unknown_metric_is_named_with_the_known() -> None:
    assert parse_metric("l2") == "l2"
    with pytest.raises(UnknownNameError, match="unknown metric 'L2': expected one of cosine, l2"):
        parse_metric("L2")
