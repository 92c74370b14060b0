"""A network in int8: near to the floats it was made of, and the same wherever its file is."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import BlockError, PrecisionError, UnknownNameError, WeightsError
from models.extraction import POOL_KINDS, PoolName, RawPools
from models.loading import Loaded, Runtime, load_new, load_pinned
from models.preprocess import Preprocess
from models.quantized import quantized_extractor
from models.quantizing import quantize

SMALL = Preprocess(size=32, filled=True)
HERE = Runtime("cpu", "float32")
POOLS = [PoolName(block, kind) for block in (1, 2) for kind in POOL_KINDS]
Made = tuple[Loaded, Loaded, bytes]


@pytest.fixture(scope="module")
def made(small_weights: Path) -> Made:
    """A small network of floats, the int8 one that was made of it, and its file."""
    floats = load_new("resnet18", str(small_weights), (1, 2), SMALL, HERE)
    return (floats, *quantize(floats, pictures(20)))


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Return smooth pictures on white."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    found = coarse.repeat(4, axis=1).repeat(4, axis=2)
    found[:, :, :6] = 255
    return found


def test_pools_are_near_to_those_of_the_floats(made: Made) -> None:
    floats, quantized, _ = made
    asked = pictures(7, seed=1)
    found = quantized.extractor.extract(asked, POOLS)
    for pool, expected in floats.extractor.extract(asked, POOLS).items():
        assert found[pool].dtype == np.float32
        assert found[pool].shape == expected.shape
        # Eight bits: apart by a hundredth of the whole, and not by nothing, as floats would be.
        off = np.linalg.norm(found[pool] - expected) / np.linalg.norm(expected)
        assert 1e-6 < off < 0.03, pool


def test_a_picture_gives_the_same_bits_alone_and_among_others(made: Made) -> None:
    extractor, asked = made[1].extractor, pictures(5, seed=2)
    together = extractor.extract(asked, POOLS)
    for at in range(5):
        alone = extractor.extract(asked[at : at + 1], POOLS)
        assert all(np.array_equal(alone[pool][0], together[pool][at]) for pool in POOLS)
    turned = extractor.extract(asked[::-1].copy(), POOLS)
    assert all(np.array_equal(turned[pool][::-1], together[pool]) for pool in POOLS)


def test_as_many_threads_as_there_are_give_the_same_bits(made: Made, one_thread: None) -> None:
    _, _, data = made
    alone = quantized_extractor(data, SMALL, "float32")
    torch.set_num_threads(2)
    both = quantized_extractor(data, SMALL, "float32")
    asked = pictures(3, seed=6)
    first = alone.extract(asked, POOLS)
    # Compiled at the first call, for the threads there are then.
    assert all(np.array_equal(first[pool], both.extract(asked, POOLS)[pool]) for pool in POOLS)


def test_several_threads_at_once_each_get_what_they_asked_for(made: Made) -> None:
    extractor = made[1].extractor
    asked = [pictures(1 + seed % 3, seed) for seed in range(12)]
    alone = [extractor.extract(some, POOLS) for some in asked]
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(lambda some: extractor.extract(some, POOLS), asked)]
    assert all(map(equal, found, alone))


def test_no_picture_gives_no_rows(made: Made) -> None:
    found = made[1].extractor.extract(pictures(0), POOLS)
    assert {pool: one.shape for pool, one in found.items()} == dict.fromkeys(POOLS, (0, 64))


def test_what_is_local_adds_up_to_the_pools(made: Made) -> None:
    extractor, asked = quantized_extractor(made[2], SMALL, "float32"), pictures(3, seed=3)
    pools = extractor.extract(asked, POOLS)
    for pool, local in extractor.local(asked, POOLS).items():
        summed = np.einsum("nhw,nhwc->nc", local.weights, local.values)
        np.testing.assert_allclose(summed, pools[pool], rtol=1e-4, atol=1e-4)


def test_content_decides_what_a_foreground_pool_is_of(made: Made) -> None:
    extractor, asked = made[1].extractor, pictures(2, seed=4)
    left = np.zeros((2, 32, 32), bool)
    left[:, :, :10] = True
    pool = PoolName(2, "foreground")
    given, plain = extractor.extract(asked, [pool], left), extractor.extract(asked, [pool])
    assert np.abs(given[pool] - plain[pool]).max() > 0.01


def test_a_color_query_needs_nothing_past_its_block(made: Made) -> None:
    extractor = made[1].extractor
    first = extractor.extract(pictures(2), POOLS[:2])
    assert list(first) == [PoolName(1, "foreground"), PoolName(1, "gap")]
    assert {one.shape for one in first.values()} == {(2, 64)}


def test_a_block_past_the_network_is_refused(made: Made) -> None:
    with pytest.raises(BlockError, match=r"block 3 .* to block 2"):
        made[1].extractor.extract(pictures(1), [PoolName(3, "gap")])
    with pytest.raises(BlockError, match=r"block 3 .* to block 2"):
        made[1].extractor.local(pictures(1), [PoolName(3, "gap")])


def test_the_stored_network_is_the_one_that_was_made(made: Made) -> None:
    _, quantized, data = made
    asked: list[str] = []

    def stored(digest: str) -> bytes:
        asked.append(digest)
        return data

    for precision in ("auto", "int8"):
        again = load_pinned(quantized.recipe, (1, 2), None, Runtime("cpu", precision), stored)
        assert equal(pools_of(again), pools_of(quantized))
    assert asked == [quantized.recipe.quantized] * 2


def pools_of(loaded: Loaded) -> RawPools:
    return loaded.extractor.extract(pictures(3, seed=5), POOLS)


def equal(one: RawPools, other: RawPools) -> bool:
    return all(np.array_equal(one[pool], other[pool]) for pool in POOLS)


def test_a_recipe_says_which_numbers_it_runs_in(made: Made) -> None:
    floats, quantized, data = made
    assert floats.recipe.digest != quantized.recipe.digest
    assert type(floats.recipe).from_document(quantized.recipe.to_document()) == quantized.recipe
    assert "quantized" not in floats.recipe.to_document()
    with pytest.raises(PrecisionError, match="made in int8, float32 is asked for"):
        load_pinned(quantized.recipe, (1, 2), None, HERE, lambda digest: data)
    with pytest.raises(PrecisionError, match="made without int8, int8 is asked for"):
        load_pinned(floats.recipe, (1, 2), None, Runtime("cpu", "int8"))
    with pytest.raises(PrecisionError, match="not on cuda"):
        load_pinned(quantized.recipe, (1, 2), None, Runtime("cuda"), lambda digest: data)
    with pytest.raises(UnknownNameError, match="'int3'"):
        load_pinned(quantized.recipe, (1, 2), None, Runtime("cpu", "int3"), lambda digest: data)


def test_weights_that_are_named_are_those_it_was_made_of(made: Made, tmp_path: Path) -> None:
    _, quantized, data = made
    here = quantized.recipe.weights
    assert load_pinned(quantized.recipe, (1, 2), here, stored=lambda digest: data).recipe
    other = replace(quantized.recipe, weights_sha256="0" * 64)
    with pytest.raises(WeightsError, match="0000"):
        load_pinned(other, (1, 2), here, stored=lambda digest: data)


def test_without_openvino_it_says_what_to_install(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(WeightsError, match=r"pip install openvino"):
        quantized_extractor(made[2], SMALL, "float32")


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        quantized_extractor(b"no network", SMALL, "float32")
