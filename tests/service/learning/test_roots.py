"""Bases of pools: shares of the variance, and the way back to one matrix."""

import numpy as np
import pytest

from models.extraction import PoolName
from service.learning.roots import make_basis, rooted, sets_of
from tests.service.learning.made import DEEP, FOREGROUND, GAP, codes_of, pools


def test_only_pools_that_are_never_negative_are_rooted() -> None:
    raw = {GAP: np.float32([[4.0, 9.0]]), DEEP: np.float32([[-4.0, 9.0]])}
    found = rooted(raw, {GAP})
    assert found[GAP].tolist() == [[2.0, 3.0]]
    assert found[DEEP].tolist() == [[-4.0, 9.0]]
    assert rooted(raw, {GAP, DEEP})[DEEP].tolist() == [[-2.0, 3.0]]


def test_sets_are_pools_blocks_and_all_of_them_each_once() -> None:
    assert sets_of([DEEP, FOREGROUND, GAP]) == {
        "1-gap": (GAP,),
        "1-foreground": (FOREGROUND,),
        "1": (GAP, FOREGROUND),
        "2": (DEEP,),
        "all": (GAP, FOREGROUND, DEEP),
    }
    assert sets_of([DEEP]) == {"all": (DEEP,)}


@pytest.mark.parametrize("each", [5, 40])
def test_each_pool_has_its_share_of_a_variance_of_one(each: int) -> None:
    found = pools(codes_of(3, each))
    basis = make_basis(found, (GAP, DEEP), np.arange(3 * each))
    coordinates = basis.coordinates(found)
    assert coordinates.var(axis=0).sum() == pytest.approx(1)
    parts = [{GAP: found[GAP], DEEP: found[DEEP] * 0 + basis.middle[12:]},
             {GAP: found[GAP] * 0 + basis.middle[:12], DEEP: found[DEEP]}]  # fmt: skip
    shares = [basis.coordinates(part).var(axis=0).sum() for part in parts]
    # With fewer items than directions these are where the items lie: no pool leaves them alone.
    if each == 40:
        assert shares == pytest.approx([0.5, 0.5])
    covariance = np.cov(coordinates.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-10


@pytest.mark.parametrize("each", [3, 40])
def test_linear_map_equals_coordinates_projected(each: int) -> None:
    found = pools(codes_of(3, each))
    basis = make_basis(found, (GAP, DEEP), np.arange(3 * each))
    coordinates, random = basis.coordinates(found), np.random.default_rng(0)
    matrix = random.standard_normal((coordinates.shape[1], 4))
    middle = random.standard_normal(coordinates.shape[1])
    shift, whole = basis.linear(matrix, middle)
    joined = np.concatenate([found[GAP], found[DEEP]], axis=1)
    expected = (coordinates - middle) @ matrix
    assert (joined - shift) @ whole == pytest.approx(expected, abs=1e-5)


def test_pool_that_is_always_the_same_is_passed_over() -> None:
    found = {**pools(codes_of(2, 10)), PoolName(3, "gap"): np.full((20, 4), 7.0)}
    with_it = make_basis(found, (GAP, PoolName(3, "gap")), np.arange(20))
    coordinates = with_it.coordinates(found)
    assert np.isfinite(coordinates).all()
    assert coordinates.shape[1] == 12
    shift, matrix = with_it.linear(np.eye(12), np.ones(12))
    assert np.isfinite(shift).all()
    assert not matrix[12:].any()
