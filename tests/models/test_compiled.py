"""A compiled network: the same pools as torch's, whatever else runs beside."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from models.compiled import WORTH, CompiledExtractor, compiled, for_many
from models.errors import BlockError
from models.extraction import POOL_KINDS, PoolName
from models.extractor import NetworkExtractor
from models.network import Network
from models.precision import Precision
from models.preprocess import Preprocess

SMALL = Preprocess(size=32, filled=True)
POOLS = [PoolName(block, kind) for block in (1, 2) for kind in POOL_KINDS]


def by_torch(precision: Precision = "float32", device: str = "cpu") -> NetworkExtractor:
    torch.manual_seed(0)
    stages = [
        nn.Sequential(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU()),
    ]
    network = Network(stages).requires_grad_(False).eval()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.2)
    return NetworkExtractor(network, (12, 24), mean, std, SMALL, torch.device(device), precision)


def by_openvino(precision: Precision = "float32") -> CompiledExtractor:
    found = compiled(by_torch(precision))
    assert isinstance(found, CompiledExtractor)
    return found


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Return smooth pictures on white."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    found = coarse.repeat(4, axis=1).repeat(4, axis=2)
    found[:, :, :6] = 255
    return found


@pytest.mark.parametrize("count", [0, 1, 7])
def test_pools_are_those_of_torch(count: int) -> None:
    asked = pictures(count)
    found = by_openvino().extract(asked, POOLS)
    expected = by_torch().extract(asked, POOLS)
    assert set(found) == set(POOLS)
    for pool in POOLS:
        assert found[pool].dtype == np.float32
        np.testing.assert_allclose(found[pool], expected[pool], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pools", [POOLS, POOLS[:1], POOLS[3:], [POOLS[2], POOLS[0]]])
def test_bfloat16_is_within_its_three_digits_of_float32(pools: list[PoolName]) -> None:
    asked = pictures(5, seed=1)
    found = by_openvino("bfloat16").extract(asked, pools)
    expected = by_torch().extract(asked, pools)
    assert set(found) == set(pools)
    for pool in pools:
        off = np.linalg.norm(found[pool] - expected[pool]) / np.linalg.norm(expected[pool])
        assert off < 0.02, pool


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_picture_has_the_same_bits_alone_and_among_others(precision: Precision) -> None:
    extractor, asked = by_openvino(precision), pictures(5, seed=2)
    together = extractor.extract(asked, POOLS)
    pairs = extractor.extract(asked[1:3], POOLS)
    for pool in POOLS:
        assert np.array_equal(pairs[pool], together[pool][1:3])
        alone = extractor.extract(asked[4:], POOLS)[pool]
        np.testing.assert_allclose(alone[0], together[pool][4], rtol=1e-5, atol=1e-6)


def test_content_decides_what_a_foreground_pool_is_of() -> None:
    extractor, asked = by_openvino(), pictures(2, seed=3)
    left = np.zeros((2, 32, 32), bool)
    left[:, :, :10] = True
    for given in (None, left):
        found, expected = (one.extract(asked, POOLS, given) for one in (extractor, by_torch()))
        np.testing.assert_allclose(found[POOLS[3]], expected[POOLS[3]], rtol=1e-4, atol=1e-5)


def test_what_is_local_adds_up_to_the_pools() -> None:
    extractor, asked = by_openvino(), pictures(3, seed=4)
    pools = extractor.extract(asked, POOLS)
    for pool, local in extractor.local(asked, POOLS).items():
        summed = np.einsum("nhw,nhwc->nc", local.weights, local.values)
        np.testing.assert_allclose(summed, pools[pool], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_pictures_of_another_side_are_run_too(precision: Precision) -> None:
    extractor, asked = by_openvino(precision), pictures(3)[:, :20, :20]
    expected = by_torch().extract(asked, POOLS)
    for pool, vectors in extractor.extract(asked, POOLS).items():
        np.testing.assert_allclose(vectors, expected[pool], rtol=0.05, atol=0.01)
    for pool, local in extractor.local(asked, POOLS).items():
        summed = np.einsum("nhw,nhwc->nc", local.weights, local.values)
        np.testing.assert_allclose(summed, expected[pool], rtol=0.05, atol=0.01)


def test_a_block_past_the_network_is_refused() -> None:
    extractor = by_openvino()
    assert extractor.channels == (12, 24)
    for ask in (extractor.extract, extractor.local):
        with pytest.raises(BlockError, match=r"block 3 .* to block 2"):
            ask(pictures(1), [PoolName(3, "gap")])


def test_threads_get_what_they_asked_for() -> None:
    extractor = by_openvino()
    asked = [(pictures(3, seed), POOLS[seed % 4 :]) for seed in range(12)]
    expected = [by_torch().extract(*one) for one in asked]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda one: extractor.extract(*one), asked))
    for ours, theirs in zip(found, expected, strict=True):
        assert set(ours) == set(theirs)
        for pool, vectors in ours.items():
            np.testing.assert_allclose(vectors, theirs[pool], rtol=1e-4, atol=1e-5)


def test_compiling_leaves_the_network_of_torch_as_it_is() -> None:
    extractor, asked = by_torch("bfloat16"), pictures(3)
    before = extractor.extract(asked, POOLS)
    compiled(extractor)
    for pool, vectors in extractor.extract(asked, POOLS).items():
        assert np.array_equal(vectors, before[pool])


def test_only_many_pictures_are_worth_compiling_for() -> None:
    extractor = by_torch()
    assert for_many(extractor, WORTH - 1) is extractor
    assert isinstance(for_many(extractor, WORTH), CompiledExtractor)


def test_torch_runs_what_openvino_is_not_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = by_torch(device="meta")
    assert compiled(elsewhere) is elsewhere
    monkeypatch.setitem(sys.modules, "openvino", None)
    extractor = by_torch()
    assert compiled(extractor) is extractor
