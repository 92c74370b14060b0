"""A network compiled for this machine's processors: OpenVINO runs it, several times as fast.

OpenVINO fuses what follows a convolution into it, and keeps the maps of one picture in the cache of
one core. Torch is faster to load a network, by a second, so one is compiled for many pictures.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import numpy as np

from models.extraction import Extractor, LocalPool, LocalPools, PoolName, RawPools, Vectors
from models.extractor import NetworkExtractor, channels_first, check_blocks, content_of
from models.graph import Way, convert, cut_maps, cut_pools, of_side
from models.pools import place_weights
from models.preprocess import Mask, Pixels, Preprocess
from models.runner import Array, Runner
from models.threads import all_threads, shared
from models.unobserved import load_openvino

WORTH = 200
"""So many pictures take longer than it takes to compile a network for them."""
# Compiled for so many sets of pools at once; each holds the weights down to its deepest block.
_COMPILED = 16
# Weights of places are found for so many pictures at once, while those before are run.
_WEIGHED = 4


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
        self._preprocess = preprocess
        floats: Way = "rows" if integers else "products"
        way: Way = floats if precision == "bfloat16" else "sums"
        self.channels = tuple(output.shape[1] for output in model.outputs)
        # What is cached must not hold the extractor, or only the garbage collector would free it.
        self._pooled = lru_cache(_COMPILED)(partial(_compile_pools, model, way, precision))
        self._mapped = lru_cache(1)(partial(_compile_maps, model, precision))
        # Pictures are of the preprocess's side, but for some that are drawn.
        self._sides = lru_cache(2)(partial(_sides, model))
        self._calls, self._guard = 0, Lock()

    @property
    def at_once(self) -> int:
        """How many calls are best made at once, if there are so many: one a core."""
        return all_threads()

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools, (n, channels) float32 each; see ``Extractor``."""
        asked = sorted(set(pools))
        check_blocks((pool.block for pool in asked), self.channels)
        with self._streams(len(pixels)) as streams:
            network = self._pooled(tuple(asked), pixels.shape[1], streams)
            found = network.run(len(pixels), self._inputs(pixels, asked, content))
        return dict(zip(asked, found, strict=True))

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        """Return what the pools are the mean of; see ``Extractor``."""
        asked = sorted(set(pools))
        blocks = tuple(dict.fromkeys(pool.block for pool in asked))
        check_blocks(blocks, self.channels)
        weights = self._weights(asked, pixels, content)
        found = self._mapped(blocks, pixels.shape[1]).run(
            len(pixels), ([one[None]] for one in pixels)
        )
        maps = {
            block: np.ascontiguousarray(one.transpose(0, 2, 3, 1))
            for block, one in zip(blocks, found, strict=True)
        }
        return {pool: LocalPool(maps[pool.block], weights[pool]) for pool in asked}

    @contextmanager
    def _streams(self, pictures: int) -> Iterator[int]:
        """Give the streams for a call: one on all cores for a picture that has them to itself."""
        with self._guard:
            alone = pictures == 1 and not self._calls
            self._calls += 1
        try:
            yield 1 if alone else all_threads()
        finally:
            with self._guard:
                self._calls -= 1

    def _inputs(
        self, pixels: Pixels, pools: Sequence[PoolName], content: Mask | None
    ) -> Iterator[list[Array]]:
        """Yield what the network takes of each picture."""
        weighed = [pool for pool in pools if pool.kind == "foreground"]
        for first in range(0, len(pixels), _WEIGHED):
            part = slice(first, first + _WEIGHED)
            some = None if content is None else content[part]
            with shared(all_threads()):  # the cores are at work on the pictures before
                weights = self._weights(weighed, pixels[part], some)
            for at, picture in enumerate(pixels[part]):
                yield [picture[None], *(weights[pool][at : at + 1] for pool in weighed)]

    def _weights(
        self, pools: Sequence[PoolName], pixels: Pixels, content: Mask | None
    ) -> dict[PoolName, Vectors]:
        """Return (n, h, w) weights of places for each pool."""
        if not pools:
            return {}
        counts = content_of(channels_first(pixels), content, self._preprocess)
        found, sides = {}, self._sides(pixels.shape[1])
        for pool in pools:
            side = sides[pool.block - 1]
            found[pool] = place_weights([pool.kind], counts, side, side)[pool.kind].numpy()
        return found


def _sides(model: Any, side: int) -> tuple[int, ...]:
    """Return the side of each block's map for a picture of such a ``side``."""
    return tuple(output.shape[2] for output in of_side(model, side).outputs)


def _compile_pools(
    model: Any, way: Way, precision: str, pools: tuple[PoolName, ...], side: int, streams: int
) -> Runner:
    return Runner(*cut_pools(of_side(model, side), pools, way), precision, streams)


def _compile_maps(model: Any, precision: str, blocks: tuple[int, ...], side: int) -> Runner:
    return Runner(cut_maps(of_side(model, side), blocks), [1.0] * len(blocks), precision, 1)
