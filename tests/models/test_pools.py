"""Pools: the mean everywhere, and the mean over what is not near-white."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.pools import content_map, fill_holes, foreground_weights, pool_map


def sheet(left: int, top: int, right: int, bottom: int) -> Tensor:
    """(1, 3, 32, 32) white with one dark rectangle."""
    pixels = torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)
    pixels[:, :, top:bottom, left:right] = 30
    return pixels


def feature_map(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def plain_foreground(pixels: Tensor, white: int, side: int) -> NDArray[np.float64]:
    """The weights in plain words: the share of content in each cell times a bell, and a floor."""
    dark = (pixels.numpy().min(axis=1) < white).astype(float)
    cell = pixels.shape[-1] // side
    shares = dark.reshape(-1, side, cell, side, cell).mean(axis=(2, 4))
    weights = np.zeros_like(shares)
    for y in range(side):
        for x in range(side):
            off_y, off_x = (2 * y + 1) / side - 1, (2 * x + 1) / side - 1
            bell = np.exp(-2 * (off_y**2 + off_x**2))
            weights[:, y, x] = shares[:, y, x] * bell + 1e-4
    return weights / weights.sum(axis=(1, 2), keepdims=True)


def test_gap_is_the_mean() -> None:
    found = feature_map(3, 5, 7, 9)
    pooled = pool_map(found, ["gap"], content_map(sheet(0, 0, 1, 1).expand(3, -1, -1, -1), 245))
    assert list(pooled) == ["gap"]
    assert np.allclose(pooled["gap"], found.double().mean(dim=(2, 3)), rtol=1e-6)


def test_foreground_is_the_weighted_mean_in_plain_words() -> None:
    pixels = torch.cat([sheet(3, 9, 20, 31), sheet(0, 0, 32, 5), sheet(10, 10, 12, 12)])
    found = feature_map(3, 6, 8, 8)
    weights = plain_foreground(pixels, 245, 8)
    expected = np.einsum("nchw,nhw->nc", found.double().numpy(), weights)
    pooled = pool_map(found, ["gap", "foreground"], content_map(pixels, 245))
    assert np.allclose(pooled["foreground"], expected, rtol=1e-5)
    assert np.allclose(pooled["gap"], found.mean(dim=(2, 3)), rtol=1e-5)


@pytest.mark.parametrize("side", [2, 7, 14, 32])
def test_foreground_weights_sum_to_one(side: int) -> None:
    pixels = torch.cat([sheet(3, 9, 20, 31), sheet(0, 0, 0, 0), sheet(0, 0, 32, 32)])
    weights = foreground_weights(content_map(pixels, 245), side, side)
    assert weights.shape == (3, side, side)
    assert torch.allclose(weights.sum(dim=(1, 2)), torch.ones(3))
    assert (weights > 0).all()


def test_a_white_border_weighs_next_to_nothing() -> None:
    weights = foreground_weights(content_map(sheet(8, 8, 24, 24), 245), 16, 16)[0]
    inside = weights[4:12, 4:12].sum()
    assert inside > 0.999
    assert weights[0].max() < 1e-4 < weights[8, 8]


def test_the_middle_weighs_more_than_the_edge() -> None:
    weights = foreground_weights(content_map(sheet(0, 0, 32, 32), 245), 8, 8)[0]
    assert weights[4, 4] > 4 * weights[0, 4] > 16 * weights[0, 0]
    assert torch.allclose(weights, weights.flip(0))
    assert torch.allclose(weights, weights.T)


def test_white_is_decided_by_the_darkest_channel() -> None:
    pixels = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    pixels[0, 2, 1, 1] = 244
    assert foreground_weights(content_map(pixels, 245), 4, 4)[0].argmax() == 5
    assert foreground_weights(content_map(pixels, 244), 4, 4)[0].std() == 0


def test_an_all_white_picture_is_pooled_evenly() -> None:
    found = feature_map(1, 5, 8, 8)
    pooled = pool_map(found, ["gap", "foreground"], content_map(sheet(0, 0, 0, 0), 245))
    assert torch.isfinite(pooled["foreground"]).all()
    assert torch.allclose(pooled["foreground"], pooled["gap"], rtol=1e-5)


def test_a_bfloat16_map_is_summed_in_float32() -> None:
    found = feature_map(2, 4, 112, 112).to(torch.bfloat16)
    pooled = pool_map(
        found, ["gap", "foreground"], content_map(sheet(0, 0, 32, 32).expand(2, -1, -1, -1), 245)
    )
    assert pooled["gap"].dtype == pooled["foreground"].dtype == torch.float32
    assert np.allclose(pooled["gap"], found.double().mean(dim=(2, 3)), rtol=1e-5)


def test_a_channels_last_map_pools_the_same() -> None:
    found, pixels = feature_map(2, 6, 8, 8), sheet(3, 9, 20, 31).expand(2, -1, -1, -1)
    last = found.contiguous(memory_format=torch.channels_last)
    first, second = (
        pool_map(one, ["gap", "foreground"], content_map(pixels, 245)) for one in (found, last)
    )
    for kind, pooled in first.items():
        assert torch.allclose(pooled, second[kind], rtol=1e-6)


def test_what_is_enclosed_is_filled_and_what_is_open_is_not() -> None:
    rows = [
        "........",
        ".#####..",
        ".#...#..",
        ".#.#.#.#",
        ".#####.#",
        "........",
        "##......",
        "#.......",
    ]
    expected = [
        "........",
        ".#####..",
        ".#####..",
        ".#####.#",
        ".#####.#",
        "........",
        "##......",
        "#.......",
    ]

    def drawn(rows: list[str]) -> Tensor:
        return torch.tensor([[[float(c == "#") for c in row] for row in rows]])[None]

    both = torch.cat([drawn(rows), torch.zeros(1, 1, 8, 8)])
    filled = fill_holes(both)
    assert torch.equal(filled[:1], drawn(expected))
    assert not filled[1].any()


def test_a_filled_hole_weighs_as_what_is_around_it() -> None:
    pixels = sheet(4, 4, 28, 28)
    pixels[:, :, 12:20, 12:20] = 255
    counts = content_map(pixels, 245)
    solid = foreground_weights(content_map(sheet(4, 4, 28, 28), 245), 8, 8)
    assert torch.equal(foreground_weights(fill_holes(counts), 8, 8), solid)
    assert not torch.equal(foreground_weights(counts, 8, 8), solid)


def test_halves_are_pooled_in_full_precision_whatever_the_batch() -> None:
    pixels = torch.cat([sheet(3, 9, 20, 31), sheet(0, 0, 32, 5), sheet(10, 10, 12, 12)])
    halves = feature_map(3, 6, 8, 8).bfloat16().to(memory_format=torch.channels_last)
    content = content_map(pixels, 245)
    found = pool_map(halves, ["gap", "foreground"], content)
    exact = pool_map(halves.double().float(), ["gap", "foreground"], content)
    for kind, vectors in found.items():
        assert vectors.dtype == torch.float32
        assert torch.allclose(vectors, exact[kind], rtol=1e-6)
        alone = pool_map(halves[1:2], [kind], content[1:2])[kind]
        assert torch.allclose(alone[0], vectors[1], rtol=1e-6)
