"""Judgements that people make of hits: what one is, and what a store does with them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

import numpy as np

from indexer.errors import IndexFolderError
from models.extraction import PoolName, RawPools

Outcome = Literal["created", "replaced", "unchanged"]
_STORED = "<f2"


@dataclass(frozen=True)
class Shown:
    """An item as it was when it was judged. Its slot is never another picture's."""

    key: str
    version: int
    slot: int


@dataclass(frozen=True)
class Example:
    """A query that was no item: a picture, known by its SHA-256, or a ``palette`` as text."""

    digest: str
    palette: str | None = None


@dataclass(frozen=True)
class Judgement:
    """That a hit is, or is not, the same as a query in an attribute.

    ``key_id`` is the API key it came with. ``id`` and ``time``, an ISO 8601 moment in UTC, are the
    store's to give.
    """

    attribute: str
    query: Shown | Example
    hit: Shown
    same: bool
    key_id: str | None = None
    id: int = 0
    time: str = ""

    @property
    def pair(self) -> str:
        """What two judgements of the same pair have in common, whichever of the two was asked."""
        sides = sorted(map(_side, (self.query, self.hit)))
        return sha256(json.dumps([self.attribute, *sides]).encode()).hexdigest()


class FeedbackBook(Protocol):
    """The judgements of an index. They outlive the items they are about."""

    def count(self, attribute: str | None = None) -> int:
        """Return how many judgements there are, in all or of an attribute."""
        ...

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return how many pairs of each attribute are the same, and how many different."""
        ...

    def page(self, attribute: str | None, after: int, limit: int) -> list[Judgement]:
        """Return up to ``limit`` judgements with an id above ``after``, in order of id."""
        ...

    def every(self, attribute: str | None = None) -> Iterator[Judgement]:
        """Yield all judgements in order of id, from one moment."""
        ...

    def pools(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Return the packed raw pools of examples; raises CatalogError for damaged ones."""
        ...

    def put(
        self, judgements: Sequence[Judgement], pools: Mapping[str, bytes], most: int
    ) -> list[Outcome]:
        """Record judgements, durably, all or none; return what became of each.

        One that was made before is unchanged, the opposite one is replaced. ``pools`` has the
        packed raw pools of all their examples. Raises FeedbackFullError if there would be more
        than ``most``.
        """
        ...

    def remove(self, ids: Sequence[int]) -> list[int]:
        """Remove judgements, and examples that none needs any more; return the ids there were."""
        ...


def pack(pools: RawPools, names: Sequence[PoolName], row: int) -> bytes:
    """Return one row of raw pools, (n, channels) each, as float16 bytes in the order of ``names``.

    Raises IndexFolderError for values that these numbers cannot hold.
    """
    with np.errstate(over="ignore"):
        found = np.concatenate([pools[name][row] for name in names]).astype(_STORED)
    if not np.isfinite(found).all():
        raise IndexFolderError("an example's pools have values that are not finite in float16")
    return found.tobytes()


def unpack(packed: Sequence[bytes], widths: Mapping[PoolName, int]) -> RawPools:
    """Return raw pools, (n, channels) float32 each, of what `pack` made.

    Raises IndexFolderError if they are not of these ``widths``, which are in the same order.
    """
    total = sum(widths.values())
    for one in packed:
        if len(one) != 2 * total:
            raise IndexFolderError(f"an example has {len(one) // 2} numbers, not {total}")
    rows = np.frombuffer(b"".join(packed), _STORED).reshape(len(packed), total)
    parts = np.split(rows.astype(np.float32), np.cumsum([*widths.values()])[:-1], axis=1)
    return dict(zip(widths, parts, strict=True))


def _side(side: Shown | Example) -> str:
    return f"slot {side.slot}" if isinstance(side, Shown) else f"example {side.digest}"
