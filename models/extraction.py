"""What extraction yields and the protocol that yields it; free of torch, so it imports fast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import one_of
from models.preprocess import Mask, Pixels

PoolKind = Literal["gap", "foreground"]
POOL_KINDS: tuple[PoolKind, ...] = ("gap", "foreground")
Vectors = NDArray[np.float32]


class PoolName(NamedTuple):
    """Which pool: a block and a kind; ``str`` gives its name on disk, such as ``2-gap``."""

    block: int
    kind: PoolKind

    def __str__(self) -> str:
        return f"{self.block}-{self.kind}"


RawPools = Mapping[PoolName, Vectors]
"""Raw pools of n pictures: (n, channels of the block) float32 each."""


@dataclass(frozen=True)
class LocalPool:
    """What a raw pool of n pictures is the mean of, place by place.

    ``values`` is (n, h, w, channels) float32, ``weights`` (n, h, w) float32, summing to one a
    picture. A pool is the sum of its values times their weights.
    """

    values: Vectors
    weights: Vectors


LocalPools = Mapping[PoolName, LocalPool]


def parse_pool_kind(text: str) -> PoolKind:
    """Return ``text`` as a pool kind; raises UnknownNameError naming the known ones."""
    return one_of("pool", text, POOL_KINDS)


class Extractor(Protocol):
    """Pictures in, raw pools out."""

    @property
    def channels(self) -> Sequence[int]:
        """The widths of blocks 1, 2, …, as deep as this extractor reaches."""
        ...

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return the raw ``pools`` of (n, size, size, 3) RGB pictures in 0..255.

        ``content`` is (n, size, size), True where a place counts; None: where it is not
        near-white. Only foreground pools ask for it.
        The forward pass stops after the deepest block named. Raises BlockError for a block
        deeper than the extractor reaches.
        """
        ...

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        """Return what ``extract`` would take the mean of, at every place of each block's map.

        Far larger than the pools: 3.2 MB a picture at block 1 of a ResNet-50.
        """
        ...
