"""The protocol every catalog store fulfils: an embedded folder now, a vector database later."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import Failure, Item
from indexer.manifest import Manifest
from indexer.spaces import Space
from models.extraction import PoolName, RawPools, Vectors


@dataclass(frozen=True)
class Matches:
    """The nearest items of one query, best first: slots (k,) and similarities (k,)."""

    slots: NDArray[np.int64]
    similarities: Vectors
    exact: bool


class CatalogStore(Protocol):
    """Items, their raw pools, and nearest-neighbour search in spaces derived from them."""

    @property
    def manifest(self) -> Manifest: ...

    def count(self) -> int:
        """Return how many items there are."""
        ...

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        ...

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot; those gone are missing."""
        ...

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key`` (None: from the start)."""
        ...

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key."""
        ...

    def failures(self, limit: int = -1) -> list[Failure]:
        """Return pictures that could not be read, in order of key."""
        ...

    def failure_count(self) -> int:
        """Return how many pictures could not be read."""
        ...

    def columns(self) -> dict[str, tuple[str, bool]]:
        """Return metadata columns: name to (type, whether indexed)."""
        ...

    def pools(self, slots: NDArray[np.int64], names: Sequence[PoolName]) -> RawPools:
        """Return raw pools, (n, channels) float32 each."""
        ...

    def search(self, space: Space, queries: Vectors, k: int) -> list[Matches]:
        """Return the ``k`` nearest items of each row of (q, d) ``queries``."""
        ...

    def reference(self, space: Space) -> Vectors:
        """Return the (m, d) fixed reference sample that scores are counted against."""
        ...

    def close(self) -> None: ...
