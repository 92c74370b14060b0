"""The extractor: a batch of square pictures through the network to raw pools."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.backbones import Triple
from models.errors import BlockError
from models.extraction import LocalPool, LocalPools, PoolKind, PoolName, RawPools
from models.network import Network
from models.pools import content_map, fill_holes, place_weights, pool_map
from models.precision import Precision
from models.preprocess import Mask, Pixels, Preprocess

# A processor takes so many pictures at once: maps of more do not stay in its caches, and the memory
# for them is given back to the system and zeroed anew each time.
_TOGETHER = 8


class NetworkExtractor:
    """Runs a backbone on a device in one precision; implements ``Extractor``. Thread-safe."""

    def __init__(
        self,
        network: Network,
        channels: tuple[int, ...],
        mean: Triple,
        std: Triple,
        preprocess: Preprocess,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.channels = channels[: network.depth]
        self.precision = precision
        self.device, self.preprocess = device, preprocess
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        # Channels-last is the layout in which oneDNN and cuDNN keep vectors of channels together.
        self._network = network.to(device, self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # (x / 255 - mean) / std as one multiply and one add.
        self._scale = (1.0 / (255.0 * torch.tensor(std))).view(3, 1, 1).to(device)
        self._shift = (-torch.tensor(mean) / torch.tensor(std)).view(3, 1, 1).to(device)
        if device.type == "cuda" and precision == "float32":
            # cuDNN's default for float32, TF32, rounds to ten bits: worse than 1e-4.
            torch.backends.cudnn.allow_tf32 = False

    @property
    def parts(self) -> tuple[Network, Tensor, Tensor]:
        """The network, and what bytes are multiplied by and then added to before it."""
        return self._network, self._scale, self._shift

    @property
    def at_once(self) -> int:
        """How many calls are best made at once, if there are so many: one a core."""
        return (os.cpu_count() or 1) if self.device.type == "cpu" else 1

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools, (n, channels) float32 each; see ``Extractor``."""
        asked = list(pools)
        parts = [
            self._extract(pixels[at], asked, None if content is None else content[at])
            for at in self._slices(len(pixels))
        ]
        return {pool: np.concatenate([part[pool] for part in parts]) for pool in parts[0]}

    def _extract(self, pixels: Pixels, pools: list[PoolName], content: Mask | None) -> RawPools:
        found: dict[PoolName, Tensor] = {}
        with torch.inference_mode():
            for block, kinds, feature_map, counts in self._maps(pixels, pools, content):
                pooled = pool_map(feature_map, kinds, counts)
                found |= {PoolName(block, kind): vectors for kind, vectors in pooled.items()}
        return {pool: vectors.cpu().numpy() for pool, vectors in found.items()}

    def _slices(self, count: int) -> list[slice]:
        """Return which of ``count`` pictures are run together."""
        together = _TOGETHER if self.device.type == "cpu" else count
        return [slice(at, at + together) for at in range(0, count, together or 1)] or [slice(0, 0)]

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        """Return what the pools are the mean of; see ``Extractor``."""
        found: dict[PoolName, LocalPool] = {}
        with torch.inference_mode():
            for block, kinds, feature_map, counts in self._maps(pixels, pools, content):
                # n x channels x h x w to n x h x w x channels
                values = feature_map.permute(0, 2, 3, 1).float().contiguous().cpu().numpy()
                for kind, weights in place_weights(kinds, counts, *values.shape[1:3]).items():
                    found[PoolName(block, kind)] = LocalPool(values, weights.cpu().numpy())
        return found

    def _maps(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None
    ) -> Iterator[tuple[int, list[PoolKind], Tensor, Tensor]]:
        """Yield blocks, the kinds of pools asked of each, its map and the content to weigh by."""
        kinds: dict[int, list[PoolKind]] = defaultdict(list)
        for pool in pools:
            kinds[pool.block].append(pool.kind)
        check_blocks(kinds, self.channels)
        # Bytes cross to the device, a quarter of what floats would be.
        rgb = channels_first(pixels).to(self.device)
        counts = content_of(rgb, content, self.preprocess)
        for block, feature_map in self._network(self._normalise(rgb), kinds):
            yield block, kinds[block], feature_map, counts

    def _normalise(self, rgb: Tensor) -> Tensor:
        scaled = rgb.float() * self._scale + self._shift
        return scaled.to(self._dtype, memory_format=torch.channels_last)


def channels_first(pixels: Pixels) -> Tensor:
    """Return (n, H, W, 3) as (n, 3, H, W): a view, and channels-last as it lies."""
    # torch warns of arrays it could not write to, which those straight from Pillow are.
    return torch.from_numpy(np.require(pixels, requirements="W")).permute(0, 3, 1, 2)


def content_of(rgb: Tensor, content: Mask | None, preprocess: Preprocess) -> Tensor:
    """Return (n, 1, H, W) float32 on the device of (n, 3, H, W) uint8 ``rgb``: 1 where a place
    counts, by ``content`` or, without, where it is not near-white."""
    if content is None:
        counts = content_map(rgb, preprocess.white)
    else:
        counts = torch.from_numpy(content).to(rgb.device).float().unsqueeze(1)
    return fill_holes(counts) if preprocess.filled else counts


def check_blocks(blocks: Iterable[int], channels: Sequence[int]) -> None:
    """Raise BlockError for a block that a network with maps of ``channels`` does not reach."""
    for block in blocks:
        if not 1 <= block <= len(channels):
            raise BlockError(
                f"block {block} is not there: the network is loaded to block {len(channels)}"
            )
