"""A network as a graph of OpenVINO's, and the parts of it that pools, or maps, need."""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from models.extraction import PoolName
from models.extractor import NetworkExtractor
from models.unobserved import load_openvino, quiet


def convert(extractor: NetworkExtractor) -> Any:
    """Return the network as a model of OpenVINO's, from one picture of (1, size, size, 3) bytes to
    the maps of all its blocks, (1, channels, h, w) each."""
    size = extractor.preprocess.size
    openvino = load_openvino()
    shape = openvino.PartialShape([1, size, size, 3])
    example = torch.zeros((1, size, size, 3), dtype=torch.uint8)
    with quiet():
        return openvino.convert_model(
            _Whole(extractor).eval(), input=[shape], example_input=example
        )


def of_side(whole: Any, side: int) -> Any:
    """Return a copy of ``whole`` for a picture of so many pixels a side."""
    model = whole.clone()
    model.reshape({model.input(0): [1, side, side, 3]})
    return model


class _Whole(nn.Module):
    """A network from (n, size, size, 3) bytes to the maps of all its blocks, in float32."""

    def __init__(self, extractor: NetworkExtractor) -> None:
        super().__init__()
        network, *self.scaling = extractor.parts
        self.stages = deepcopy(network.stages).float()

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        scale, shift = self.scaling
        x = pixels.permute(0, 3, 1, 2).float() * scale + shift
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def cut_maps(model: Any, blocks: Sequence[int]) -> Any:
    """Return what of ``model``, one ``of_side``, leads from the picture to maps of ``blocks``."""
    results = [load_openvino().opset13.result(_map(model, block)) for block in blocks]
    return _model(model, results, [])


Way = Literal["sums", "products", "rows"]
"""How maps are pooled: by sums of products, which is fastest in float32; by one matrix product for
all pools of a block, which takes half the time in bfloat16; by one with places as rows, which is
how integers have their maps in memory, where there is more than a plain mean to take."""
_Pooled = tuple[Any, float]


def cut_pools(model: Any, pools: Sequence[PoolName], way: Way) -> tuple[Any, list[float]]:
    """Return what of ``model``, one ``of_side``, leads from the picture to ``pools``, and what each
    of its outputs, (1, channels), is to be multiplied by.

    Its inputs are the picture (1, size, size, 3) and, for each foreground pool in turn, the weights
    (1, h, w) of places.
    """
    ops = load_openvino().opset13
    weights = {
        pool: ops.parameter(
            [1, *_map(model, pool.block).get_partial_shape().to_shape()[2:]], np.float32
        )
        for pool in pools
        if pool.kind == "foreground"
    }
    found: dict[PoolName, _Pooled] = {}
    for block in {pool.block for pool in pools}:
        here = [pool for pool in pools if pool.block == block]
        plain = way == "rows" and not weights.keys() & set(here)
        pooled = _by_sums if way == "sums" or plain else partial(_by_products, rows=way == "rows")
        values = _map(model, block)
        found |= zip(here, pooled(values, [weights.get(pool) for pool in here]), strict=True)
    results = [ops.result(found[pool][0]) for pool in pools]
    return _model(model, results, list(weights.values())), [found[pool][1] for pool in pools]


def _by_sums(values: Any, weights: Sequence[Any]) -> list[_Pooled]:
    """Return the mean of the map for each of ``weights``, None standing for even."""
    ops, places = load_openvino().opset13, np.array([2, 3])
    means = [
        ops.reduce_mean(values, places, False)
        if one is None
        else ops.reduce_sum(ops.multiply(values, ops.unsqueeze(one, np.int64(1))), places, False)
        for one in weights
    ]
    return [(mean, 1.0) for mean in means]


def _by_products(values: Any, weights: Sequence[Any], rows: bool) -> list[_Pooled]:
    """Return the same as sums to be multiplied: a place's share of a mean is no exact bfloat16."""
    ops = load_openvino().opset13
    channels, height, width = values.get_partial_shape().to_shape()[1:]
    places = height * width
    ones = ops.constant(np.ones((1, 1, places), np.float32))
    parts = [
        ones if one is None else ops.reshape(one, np.array([1, 1, places]), False)
        for one in weights
    ]
    stacked = ops.concat(parts, 1) if len(parts) > 1 else parts[0]
    if rows:
        last = ops.transpose(values, np.array([0, 2, 3, 1]))
        sums = ops.matmul(
            stacked, ops.reshape(last, np.array([1, places, channels]), False), False, False
        )
    else:
        flat = ops.reshape(values, np.array([1, channels, places]), False)
        sums = ops.matmul(flat, stacked, False, True)
    axis = np.int64(1 if rows else 2)
    return [
        (ops.gather(sums, np.int64(at), axis), 1 / places if one is None else 1.0)
        for at, one in enumerate(weights)
    ]


def _map(model: Any, block: int) -> Any:
    return model.output(block - 1).get_node().input_value(0)


def _model(whole: Any, results: Sequence[Any], weights: Sequence[Any]) -> Any:
    inputs = [whole.input(0).get_node(), *weights]
    return load_openvino().Model(list(results), inputs, "cut")
