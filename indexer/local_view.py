"""A view of the local store: a snapshot, narrowed to the items that a search may find."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.columns import Columns, Facet
from indexer.filters import ALL, Filter
from indexer.manifest import Manifest
from indexer.snapshot import Snapshot, rank, rows, scan
from indexer.spaces import Slots, Space, similarities
from indexer.store import Matches, Scan
from indexer.workshop import Workshop
from models.extraction import Vectors

# So many items are looked at one by one rather than through an approximate index: it is exact, and
# a graph or lists of which few may be found are no faster.
SCANNED = 20_000


@dataclass(frozen=True)
class LocalView:
    """Implements ``View``. Spaces without segments are read from raw pools.

    ``selected`` is a mask by slot of the items that may be found; None: all of them.
    """

    snapshot: Snapshot
    shop: Workshop
    columns: Columns
    selected: NDArray[np.bool_] | None = None

    @property
    def manifest(self) -> Manifest:
        """The manifest of this moment."""
        return self.snapshot.manifest

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which slots may be found."""
        return self.snapshot.live if self.selected is None else self.selected

    @cached_property
    def slots(self) -> Slots:
        """The slots that may be found, rising."""
        return np.flatnonzero(self.mask)

    @cached_property
    def count(self) -> int:
        """How many items this view finds."""
        return int(np.count_nonzero(self.mask))

    @property
    def end(self) -> int:
        """The first slot that no item had at this moment."""
        return len(self.snapshot.live)

    def is_current(self) -> bool:
        """Return whether no item of this view was replaced, removed or relabelled since."""
        return self.shop.catalog.last_change() == self.snapshot.change

    def within(
        self, filter: Filter = ALL, *, before: int | None = None, without: Slots | None = None
    ) -> "LocalView":
        """Return a view of the items that ``filter`` lets pass; see ``View``."""
        mask = self.mask
        if filter != ALL:
            mask = mask & self.columns.mask(filter, len(mask))
        if (before is not None and before < len(mask)) or (without is not None and len(without)):
            mask = mask.copy()
            if before is not None:
                mask[before:] = False
            if without is not None:
                mask[without[without < len(mask)]] = False
        return self if mask is self.mask else replace(self, selected=mask)

    def search(self, space: Space, queries: Vectors, k: int) -> list[Matches]:
        """Return the ``k`` nearest items of each row of (q, d) ``queries``.

        A space without segments is scanned exactly, from raw pools; so are few selected items
        of an approximate index.
        """
        indexed = self._is_indexed(space)
        flat = self._is_exact(space)
        narrow = self.selected is not None and self.count <= SCANNED and not flat
        if indexed and not narrow:
            found = self.snapshot.search(space, queries, k, self.selected)
        elif indexed and self.snapshot.scans(space):
            values = np.stack([self.snapshot.similarities(space, q, self.slots) for q in queries])
            found = rank(values, self.slots, k)
        else:
            found = scan(queries, self.shop.vectors(space, self.slots), k, space.metric)
        exact = flat or narrow or not indexed
        return [Matches(slots, values, exact) for values, slots in rows(found)]

    def scan(self, terms: Sequence[tuple[Space, Vectors]]) -> Scan | None:
        """Return the exact similarities of every item to each (d,) query in its space.

        None if they are many and what they are searched in is approximate.
        """
        if self.count > SCANNED and not all(self._is_exact(space) for space, _ in terms):
            return None
        found = [
            self.snapshot.similarities(space, query, self.slots)
            if self._is_indexed(space) and self.snapshot.scans(space)
            else self._from_pools(space, query)
            for space, query in terms
        ]
        return Scan(self.slots, found)

    def vectors(self, space: Space, slots: Slots) -> Vectors:
        """Return the (n, d) vectors of ``slots``, exact, whatever an index keeps of them."""
        parts = [vectors for _, vectors in self.shop.vectors(space, slots)]
        width = self.manifest.dimension(space)
        return np.concatenate(parts) if parts else np.empty((0, width), np.float32)

    def reference(self, space: Space) -> Vectors:
        """Return the (m, d) fixed reference sample that scores are counted against."""
        return self.snapshot.spaces[space.name].reference

    def facet(self, column: str, limit: int) -> Facet:
        """Return how many items have each value of a metadata column."""
        return self.columns.counts(column, self.mask, limit)

    def color_counts(self) -> dict[str, int]:
        """Return how many items show each basic color."""
        return self.columns.color_counts(self.mask)

    def _is_exact(self, space: Space) -> bool:
        return not self._is_indexed(space) or self.snapshot.spaces[space.name].is_exact

    def _is_indexed(self, space: Space) -> bool:
        return space.name in self.manifest.indexed_spaces

    def _from_pools(self, space: Space, query: Vectors) -> Vectors:
        batches = self.shop.vectors(space, self.slots)
        parts = [similarities(query[None], found, space.metric)[0] for _, found in batches]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)
