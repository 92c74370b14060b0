"""The protocol every catalog store fulfils: an embedded folder now, a vector database later."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from indexer.columns import Facet
from indexer.engine import Batch
from indexer.feedback import FeedbackBook
from indexer.filters import ALL, Filter
from indexer.manifest import Manifest
from indexer.records import Failure, Item
from indexer.sources import Metadata, Source
from indexer.spaces import Slots, Space
from indexer.staging import Plan, Work
from indexer.writing import Expected
from models.extraction import PoolName, RawPools, Vectors


@dataclass(frozen=True)
class Matches:
    """The nearest items of one query, best first: slots (k,) and similarities (k,)."""

    slots: Slots
    similarities: Vectors
    exact: bool


@dataclass(frozen=True)
class Scan:
    """Every item of a view held against several queries: slots (n,), similarities (t, n)."""

    slots: Slots
    similarities: Sequence[Vectors]


class View(Protocol):
    """An index at one moment, or a part of it: what is found in one view fits together."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def count(self) -> int:
        """How many items this view finds."""
        ...

    @property
    def end(self) -> int:
        """The first slot that no item had at this moment."""
        ...

    def is_current(self) -> bool:
        """Return whether no item of this view was replaced, removed or relabelled since."""
        ...

    def within(
        self, filter: Filter = ALL, *, before: int | None = None, without: Slots | None = None
    ) -> "View":
        """Return a view of the items that ``filter`` lets pass.

        Of those only with a slot below ``before``, and none of the slots ``without``.
        """
        ...

    def search(self, space: Space, queries: Vectors, k: int) -> list[Matches]:
        """Return the ``k`` nearest items of each row of (q, d) ``queries``."""
        ...

    def scan(self, terms: Sequence[tuple[Space, Vectors]]) -> Scan | None:
        """Return the exact similarities of every item to each (d,) query in its space.

        None if there are too many items to look at one by one.
        """
        ...

    def vectors(self, space: Space, slots: Slots) -> Vectors:
        """Return the (n, d) vectors of ``slots``, exact, whatever an index keeps of them."""
        ...

    def facet(self, column: str, limit: int) -> Facet:
        """Return how many items have each value of a metadata column."""
        ...

    def color_counts(self) -> dict[str, int]:
        """Return how many items show each basic color."""
        ...

    def reference(self, space: Space) -> Vectors:
        """Return the (m, d) fixed sample that scores are counted against; (0, …) if empty."""
        ...


class Staged(Protocol):
    """A source held against the catalog: what a build has to do."""

    @property
    def plan(self) -> Plan: ...

    def work(self) -> Iterator[Work]:
        """Yield what is to be embedded, in the source's order."""
        ...

    def relabel(self) -> None:
        """Give items whose picture is unchanged the source's metadata, path and file time."""
        ...

    def vanished(self, limit: int) -> list[str]:
        """Return keys of items that the source no longer names, in order."""
        ...

    def prune(self) -> int:
        """Remove items and failures that the source no longer names; return how many items."""
        ...


class CatalogStore(Protocol):
    """Items, their raw pools, and nearest-neighbour search in spaces derived from them."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def feedback(self) -> FeedbackBook: ...

    # --- reading

    def view(self, *, newest: bool = False) -> View:
        """Return the index as it is, or was less than a second ago unless ``newest``."""
        ...

    def view_of(self, statistics: str) -> View | None:
        """Return the newest view whose means are known by ``statistics``, if it is still kept."""
        ...

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

    def locate(self, item: Item) -> Path:
        """Return where an item's picture lies."""
        ...

    def pools(self, slots: Slots, names: Sequence[PoolName]) -> RawPools:
        """Return raw pools, (n, channels) float32 each."""
        ...

    def damaged(self, slots: Slots) -> list[tuple[int, list[PoolName]]]:
        """Return slots whose pools are not what was written, and which pools those are.

        Raises IndexFolderError if they are lost altogether.
        """
        ...

    def sizes(self) -> dict[str, int]:
        """Return bytes taken, by part of the store."""
        ...

    def close(self) -> None: ...

    # --- writing: durable on return, and in every view that is taken from then on

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns and index those named."""
        ...

    def stage(self, source: Source, *, retry: bool, tick: Callable[[int], None]) -> Staged:
        """Hold ``source`` against the catalog; with ``retry`` what failed before is tried again.

        Raises SourceError for a key that names two different pictures.
        """
        ...

    def add(self, batch: Batch, expected: Expected | None = None) -> list[Item]:
        """Store a batch, its items, pools, originals and failures, as one step; return its items.

        Raises ChangedError, and stores nothing, unless all is as ``expected``.
        """
        ...

    def declare(self, metadata: Iterable[Metadata]) -> None:
        """Record columns that ``metadata`` is the first to have, and widen integer to number.

        Raises ColumnTypeError for a value that does not fit its column.
        """
        ...

    def relabel(
        self, changes: Mapping[str, Metadata], expected: Expected | None = None
    ) -> list[Item]:
        """Give items other metadata, all or none; return them as they are now.

        Raises UnknownKeyError, or ChangedError unless all is as ``expected``.
        """
        ...

    def remove(self, keys: Sequence[str], expected: Expected | None = None) -> int:
        """Remove items, the originals kept of them, and failures; return how many items.

        Raises ChangedError, and removes nothing, unless all is as ``expected``.
        """
        ...

    def checkpoint(self, starting: Callable[[], None]) -> None:
        """Make searches fast again if items came or went; ``starting`` is called if so."""
        ...

    def maintain(self) -> bool:
        """Do the same if so much came or went that it is worth it, while others read and write;
        return whether it was done."""
        ...
