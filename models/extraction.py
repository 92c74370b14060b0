"""What extraction yields and the protocol that yields it; free of torch, so it imports fast."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import one_of
from models.preprocess import Pixels

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


def parse_pool_kind(text: str) -> PoolKind:
    """Return ``text`` as a pool kind; raises UnknownNameError naming the known ones."""
    return one_of("pool", text, POOL_KINDS)


class Extractor(Protocol):
    """Pictures in, raw pools out."""

    @property
    def channels(self) -> Sequence[int]:
        """The widths of blocks 1, 2, …, as deep as this extractor reaches."""
        ...

    def extract(self, pixels: Pixels, pools: Iterable[PoolName]) -> RawPools:
        """Return the raw ``pools`` of (n, size, size, 3) RGB pictures in 0..255.

        The forward pass stops after the deepest block named. Raises BlockError for a block
        deeper than the extractor reaches.
        """
        ...
