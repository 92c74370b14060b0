"""A network in eight-bit integers: OpenVINO runs it, as it was stored with the index."""

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor

from models.errors import WeightsError
from models.extraction import LocalPool, LocalPools, PoolName, RawPools, Vectors
from models.extractor import check_blocks, content_of
from models.pools import place_weights
from models.preprocess import Mask, Pixels, Preprocess
from models.unobserved import load_openvino

XML, BIN = "network.xml", "network.bin"
# Compiled for so many sets of pools at once; each holds the weights down to its deepest block.
_COMPILED = 8
_Wanted = tuple[PoolName, ...] | tuple[int, ...]
_NEEDED = "this index is int8, which OpenVINO runs: `pip install 'hueweave[fast]'`"


class QuantizedExtractor:
    """Runs a quantized network on this machine's processors; implements ``Extractor``. Thread-safe.

    ``data`` is a file that ``models.quantizing`` made. Pictures are run one by one, each on a core
    of its own, where the maps of one fit into the core's cache.
    """

    def __init__(self, data: bytes, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._model = read_network(data)
        self.channels = tuple(shape[1].get_length() for shape in self._shapes())
        self._sides = tuple(shape[2].get_length() for shape in self._shapes())
        # Two of each: a single picture is best run by all cores together.
        self._compiled = lru_cache(2 * _COMPILED)(partial(_compile, self._model))

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools, (n, channels) float32 each; see ``Extractor``."""
        asked = sorted(set(pools))
        check_blocks((pool.block for pool in asked), self.channels)
        weights = self._weights(asked, pixels, content)
        weighed = [weights[pool] for pool in asked if pool.kind == "foreground"]
        found = self._compiled(tuple(asked), len(pixels) > 1).run([pixels, *weighed])
        return dict(zip(asked, found, strict=True))

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        """Return what the pools are the mean of; see ``Extractor``."""
        asked = sorted(set(pools))
        blocks = tuple(dict.fromkeys(pool.block for pool in asked))
        check_blocks(blocks, self.channels)
        weights = self._weights(asked, pixels, content)
        found = self._compiled(blocks, len(pixels) > 1).run([pixels])
        maps = {
            block: np.ascontiguousarray(one.transpose(0, 2, 3, 1))
            for block, one in zip(blocks, found, strict=True)
        }
        return {pool: LocalPool(maps[pool.block], weights[pool]) for pool in asked}

    def _weights(
        self, pools: Iterable[PoolName], pixels: Pixels, content: Mask | None
    ) -> dict[PoolName, Vectors]:
        """Return (n, h, w) weights of places for each pool."""
        rgb = torch.from_numpy(np.require(pixels, requirements="W")).permute(0, 3, 1, 2)
        counts: Tensor = content_of(rgb, content, self._preprocess)
        found = {}
        for pool in pools:
            side = self._sides[pool.block - 1]
            found[pool] = place_weights([pool.kind], counts, side, side)[pool.kind].numpy()
        return found

    def _shapes(self) -> list[Any]:
        return [output.get_partial_shape() for output in self._model.outputs]


class _Compiled:
    """A compiled network and its queue of requests, for one caller at a time."""

    def __init__(self, model: Any, streams: int) -> None:
        self._lock = threading.Lock()
        self._none = [np.empty((0, *output.shape[1:]), np.float32) for output in model.outputs]
        self._queue = load_openvino().AsyncInferQueue(model, streams)
        self._queue.set_callback(self._keep)
        self._rows: list[list[Vectors]] = []

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[Vectors]:
        """Return an array an output; row i of each is of row i of ``inputs``."""
        with self._lock:
            self._rows = [[] for _ in inputs[0]]
            for at in range(len(inputs[0])):
                row = {name: one[at : at + 1] for name, one in enumerate(inputs)}
                self._queue.start_async(row, at)
            self._queue.wait_all()
            return [
                np.concatenate([none, *(row[at] for row in self._rows)])
                for at, none in enumerate(self._none)
            ]

    def _keep(self, request: Any, at: int) -> None:
        self._rows[at] = [tensor.data.copy() for tensor in request.output_tensors]


def _compile(model: Any, wanted: _Wanted, many: bool) -> _Compiled:
    """Return the network, down to the deepest block, that yields pools, or maps of blocks."""
    cores = torch.get_num_threads()
    options = {
        "NUM_STREAMS": str(cores if many else 1),
        "INFERENCE_NUM_THREADS": str(cores),
        # What is not in integers is in float32 wherever it runs, so that replicas agree.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = load_openvino().Core().compile_model(_cut(model, wanted), "CPU", options)
    return _Compiled(compiled, cores if many else 1)


def read_network(data: bytes) -> Any:
    """Return the OpenVINO model in ``data``; raises WeightsError if there is none."""
    try:
        openvino = load_openvino()
    except ImportError as error:
        raise WeightsError(_NEEDED) from error
    try:
        with ZipFile(BytesIO(data)) as file:
            weights = np.frombuffer(file.read(BIN), np.uint8)
            return openvino.Core().read_model(file.read(XML), openvino.Tensor(weights))
    except (BadZipFile, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"the quantized network {sha256(data).hexdigest()} cannot be read: {error}"
        ) from error


def _cut(whole: Any, wanted: _Wanted) -> Any:
    """Return a copy of the part of ``whole`` that ``wanted`` pools, or maps of blocks, need.

    Its inputs are one picture (1, size, size, 3) and, for each foreground pool in turn, the weights
    (1, h, w) of places.
    """
    openvino = load_openvino()
    ops = openvino.opset13
    model = whole.clone()
    inputs = [model.input(0).get_node()]
    outputs, places = [], np.array([2, 3])
    for one in wanted:
        block = one.block if isinstance(one, PoolName) else one
        values = model.output(block - 1).get_node().input_value(0)
        if isinstance(one, PoolName):
            if one.kind == "foreground":
                side = values.get_partial_shape()[2].get_length()
                weights = ops.parameter([1, side, side], np.float32)
                inputs.append(weights)
                weighed = ops.multiply(values, ops.unsqueeze(weights, np.int64(1)))
                values = ops.reduce_sum(weighed, places, False)
            else:
                values = ops.reduce_mean(values, places, False)
        outputs.append(ops.result(values))
    cut = openvino.Model(outputs, inputs, "cut")
    cut.reshape({cut.input(0): [1, *list(cut.input(0).get_partial_shape())[1:]]})
    return cut
