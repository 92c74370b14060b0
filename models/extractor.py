"""The extractor: a batch of square pictures through the network to raw pools."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from models.backbones import Triple
from models.errors import BlockError
from models.extraction import PoolKind, PoolName, RawPools
from models.network import Network
from models.pools import pool_map
from models.precision import Precision
from models.preprocess import Pixels


class NetworkExtractor:
    """Runs a backbone on a device in one precision; implements ``Extractor``. Thread-safe."""

    def __init__(
        self,
        network: Network,
        channels: tuple[int, ...],
        mean: Triple,
        std: Triple,
        white: int,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.channels = channels[: network.depth]
        self.precision = precision
        self._device, self._white = device, white
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        # Channels-last is the layout in which oneDNN and cuDNN keep vectors of channels together.
        self._network = network.to(device, self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # (x / 255 - mean) / std as one multiply and one add.
        self._scale = (1.0 / (255.0 * torch.tensor(std))).view(3, 1, 1)
        self._shift = (-torch.tensor(mean) / torch.tensor(std)).view(3, 1, 1)

    def extract(self, pixels: Pixels, pools: Iterable[PoolName]) -> RawPools:
        """Return raw pools, (n, channels) float32 each; see ``Extractor``."""
        kinds: dict[int, list[PoolKind]] = defaultdict(list)
        for pool in pools:
            kinds[pool.block].append(pool.kind)
        self._check(kinds)
        # n x H x W x 3 to n x 3 x H x W: a view, and channels-last as it lies.
        rgb = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        found: dict[PoolName, Tensor] = {}
        with torch.inference_mode():
            for block, feature_map in self._network(self._normalise(rgb), kinds):
                pooled = pool_map(feature_map, kinds[block], rgb, self._white)
                found |= {PoolName(block, kind): vectors for kind, vectors in pooled.items()}
        return {pool: vectors.cpu().numpy() for pool, vectors in found.items()}

    def _normalise(self, rgb: Tensor) -> Tensor:
        scaled = rgb.float() * self._scale + self._shift
        return scaled.to(self._device, self._dtype, memory_format=torch.channels_last)

    def _check(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            if not 1 <= block <= len(self.channels):
                raise BlockError(
                    f"block {block} is not there: the network is loaded to block "
                    f"{len(self.channels)}"
                )
