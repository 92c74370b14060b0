"""Pools over the content that is given, in place of what is not near-white."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.extraction import PoolName
from tests.models.stages import by_hand

Array = NDArray[np.float64]


def weights_by_hand(content: NDArray[np.bool_]) -> Array:
    """(n, 8, 8): the share of each place that counts, times a bell over the middle."""
    share = content.reshape(len(content), 8, 2, 8, 2).mean(axis=(2, 4))
    at = (np.arange(8) + 0.5) / 8 * 2 - 1
    bell = np.exp(-0.5 * (at / 0.5) ** 2)
    weights = share * bell[:, None] * bell + 1e-4
    return weights / weights.sum(axis=(1, 2), keepdims=True)


def random_pixels(count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


POOLS = [PoolName(1, "gap"), PoolName(1, "foreground")]


def test_a_foreground_pool_is_taken_over_the_content_that_is_given() -> None:
    extractor, _ = by_hand()
    pixels = random_pixels()
    content = np.random.default_rng(5).random((3, 16, 16)) < 0.4
    found = extractor.extract(pixels, POOLS, content)
    scaled = (pixels / 255 - [0.5, 0.25, 0.0]) / [0.5, 0.25, 2.0]
    places = scaled.reshape(3, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    expected = np.einsum("nhw,nhwc->nc", weights_by_hand(content), places)
    np.testing.assert_allclose(found[POOLS[1]], expected, atol=1e-5)
    np.testing.assert_allclose(found[POOLS[0]], places.mean(axis=(1, 2)), atol=1e-5)


def test_a_gap_pool_takes_no_notice_of_the_content() -> None:
    extractor, _ = by_hand()
    pixels, content = random_pixels(), np.zeros((3, 16, 16), np.bool_)
    with_it, without = extractor.extract(pixels, POOLS, content), extractor.extract(pixels, POOLS)
    np.testing.assert_allclose(with_it[POOLS[0]], without[POOLS[0]], atol=1e-6)
    assert not np.allclose(with_it[POOLS[1]], without[POOLS[1]], atol=1e-3)


def test_without_content_it_is_what_is_not_near_white() -> None:
    extractor, _ = by_hand()
    pixels = random_pixels()
    pixels[:, 4:9, 2:11] = (246, 255, 245)
    found = extractor.extract(pixels, POOLS)
    given = extractor.extract(pixels, POOLS, (pixels < 245).any(axis=3))
    assert all(np.array_equal(found[pool], given[pool]) for pool in POOLS)


@pytest.mark.parametrize("given", [True, False])
def test_a_pool_is_the_sum_of_its_places_times_their_weights(given: bool) -> None:
    extractor, _ = by_hand()
    pixels = random_pixels()
    content = np.random.default_rng(6).random((3, 16, 16)) < 0.4 if given else None
    pools = [*POOLS, PoolName(2, "foreground")]
    found = extractor.extract(pixels, pools, content)
    for pool, local in extractor.local(pixels, pools, content).items():
        side = 16 // 2**pool.block
        assert local.values.shape == (3, side, side, 3)
        np.testing.assert_allclose(local.weights.sum(axis=(1, 2)), 1, atol=1e-5)
        summed = np.einsum("nhw,nhwc->nc", local.weights, local.values)
        np.testing.assert_allclose(summed, found[pool], atol=1e-5)
        if given and pool == POOLS[1]:
            assert content is not None
            np.testing.assert_allclose(local.weights, weights_by_hand(content), atol=1e-6)


KINDS = [PoolName(1, "gap"), PoolName(1, "foreground"), PoolName(3, "foreground")]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_pools_are_the_weighted_sums_of_what_is_local(precision: str) -> None:
    extractor, _ = by_hand(precision)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    content = np.random.default_rng(2).random((3, 16, 16)) < 0.5
    for counts in (None, content):
        local, raw = (
            extractor.local(pixels, KINDS, counts),
            extractor.extract(pixels, KINDS, counts),
        )
        assert set(local) == set(raw) == set(KINDS)
        for pool, side in zip(KINDS, (8, 8, 2), strict=True):
            values, weights = local[pool].values, local[pool].weights
            assert (values.shape, weights.shape) == ((3, side, side, 3), (3, side, side))
            assert values.dtype == weights.dtype == np.float32
            np.testing.assert_allclose(weights.sum(axis=(1, 2)), 1, rtol=1e-5)
            summed = np.einsum("nhw,nhwc->nc", weights, values)
            np.testing.assert_allclose(summed, raw[pool], atol=1e-5)


def test_local_values_lie_where_they_come_from() -> None:
    pixels = np.zeros((1, 16, 16, 3), np.uint8)
    pixels[0, 4:6, 10:12, 2] = 255
    found = by_hand()[0].local(pixels, [PoolName(1, "gap")])[PoolName(1, "gap")].values[0, ..., 2]
    assert np.argwhere(found).tolist() == [[2, 5]]
