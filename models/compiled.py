"""A network compiled for this machine's processors: OpenVINO runs it, several times as fast.

OpenVINO fuses what follows a convolution into it, and keeps the maps of one picture in the cache of
one core. Torch is faster to load a network, by a second, so one is compiled for many pictures.
"""

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.extraction import Extractor, LocalPool, LocalPools, PoolName, RawPools, Vectors
from models.extractor import NetworkExtractor, check_blocks, content_of
from models.graph import Way, convert, cut_maps, cut_pools
from models.pools import place_weights
from models.preprocess import Mask, Pixels, Preprocess
from models.unobserved import load_openvino

WORTH = 200
"""So many pictures take longer than it takes to compile a network for them."""
# Compiled for so many sets of pools at once; each holds the weights down to its deepest block.
_COMPILED = 8


def for_many(extractor: Extractor, pictures: int) -> Extractor:
    """Return what runs so many pictures through the same network fastest; see ``compiled``."""
    return compiled(extractor) if pictures >= WORTH else extractor


def compiled(extractor: Extractor) -> Extractor:
    """Return what runs many pictures through the same network fastest, in the same numbers: it is
    ``extractor`` itself if that is not torch on a processor, or OpenVINO is not there for it."""
    if not isinstance(extractor, NetworkExtractor) or extractor.device.type != "cpu":
        return extractor
    try:
        able = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except ImportError:
        return extractor
    if extractor.precision == "bfloat16" and "BF16" not in able:
        return extractor
    return CompiledExtractor(convert(extractor), extractor.preprocess, extractor.precision)


class CompiledExtractor:
    """Runs a compiled network on this machine's processors; implements ``Extractor``. Thread-safe.

    ``model`` is one of OpenVINO, from one picture of bytes to the maps of blocks 1, 2, …. It, or
    what of it is not in ``integers``, is computed in ``precision``. Pictures are run one by one,
    each on a core of its own; a single one on all of them.
    """

    def __init__(
        self, model: Any, preprocess: Preprocess, precision: str, *, integers: bool = False
    ) -> None:
        self._model, self._preprocess, self._precision = model, preprocess, precision
        floats: Way = "rows" if integers else "products"
        self._way: Way = floats if precision == "bfloat16" else "sums"
        shapes = [output.get_partial_shape() for output in model.outputs]
        self.channels = tuple(shape[1].get_length() for shape in shapes)
        self._sides = tuple(shape[2].get_length() for shape in shapes)
        self._pooled = lru_cache(2 * _COMPILED)(self._compile_pools)
        self._mapped = lru_cache(2)(self._compile_maps)

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools, (n, channels) float32 each; see ``Extractor``."""
        asked = sorted(set(pools))
        check_blocks((pool.block for pool in asked), self.channels)
        weighed = [pool for pool in asked if pool.kind == "foreground"]
        weights = self._weights(weighed, pixels, content)
        network = self._pooled(tuple(asked), len(pixels) > 1)
        found = network.run([pixels, *(weights[pool] for pool in weighed)])
        return dict(zip(asked, found, strict=True))

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        """Return what the pools are the mean of; see ``Extractor``."""
        asked = sorted(set(pools))
        blocks = tuple(dict.fromkeys(pool.block for pool in asked))
        check_blocks(blocks, self.channels)
        weights = self._weights(asked, pixels, content)
        found = self._mapped(blocks).run([pixels])
        maps = {
            block: np.ascontiguousarray(one.transpose(0, 2, 3, 1))
            for block, one in zip(blocks, found, strict=True)
        }
        return {pool: LocalPool(maps[pool.block], weights[pool]) for pool in asked}

    def _weights(
        self, pools: Sequence[PoolName], pixels: Pixels, content: Mask | None
    ) -> dict[PoolName, Vectors]:
        """Return (n, h, w) weights of places for each pool."""
        if not pools:
            return {}
        rgb = torch.from_numpy(np.require(pixels, requirements="W")).permute(0, 3, 1, 2)
        counts: Tensor = content_of(rgb, content, self._preprocess)
        found = {}
        for pool in pools:
            side = self._sides[pool.block - 1]
            found[pool] = place_weights([pool.kind], counts, side, side)[pool.kind].numpy()
        return found

    def _compile_pools(self, pools: tuple[PoolName, ...], many: bool) -> "_Compiled":
        cut = cut_pools(self._model, pools, self._way)
        summed = self._way != "sums"
        shares = [
            1 / self._sides[pool.block - 1] ** 2 if summed and pool.kind == "gap" else 1
            for pool in pools
        ]
        return _Compiled(cut, shares, self._precision, many)

    def _compile_maps(self, blocks: tuple[int, ...]) -> "_Compiled":
        return _Compiled(cut_maps(self._model, blocks), [1] * len(blocks), self._precision, False)


class _Compiled:
    """A compiled network and its queue of requests, for one caller at a time.

    ``shares`` are what its outputs are multiplied by.
    """

    def __init__(self, model: Any, shares: Sequence[float], precision: str, many: bool) -> None:
        openvino, cores = load_openvino(), torch.get_num_threads()
        streams = cores if many else 1
        options = {
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(cores),
            "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
        }
        self._shares = [np.float32(share) for share in shares]
        self._shapes = [tuple(output.shape)[1:] for output in model.outputs]
        self._lock = threading.Lock()
        self._queue = openvino.AsyncInferQueue(
            openvino.Core().compile_model(model, "CPU", options), streams
        )
        self._queue.set_callback(self._keep)
        self._found: list[Vectors] = []

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[Vectors]:
        """Return an array an output; row i of each is of row i of ``inputs``."""
        count = len(inputs[0])
        with self._lock:
            found = [np.empty((count, *shape), np.float32) for shape in self._shapes]
            self._found = found
            for at in range(count):
                row = {name: one[at : at + 1] for name, one in enumerate(inputs)}
                self._queue.start_async(row, at)
            self._queue.wait_all()
        return found

    def _keep(self, request: Any, at: int) -> None:
        for found, tensor, share in zip(
            self._found, request.output_tensors, self._shares, strict=True
        ):
            np.multiply(tensor.data[0], share, out=found[at])
