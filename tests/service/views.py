"""A view over vectors in memory, for tests of what is asked of a view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from indexer.filters import ALL, Filter
from indexer.manifest import Manifest
from indexer.spaces import Metric, Slots, Space, similarities, simple_space, unit
from indexer.store import Matches, Scan
from models.extraction import PoolName, Vectors
from service.composing import Part
from service.query import Subject


def space(name: str, metric: Metric = "cosine") -> Space:
    return simple_space(name, (PoolName(1, "gap"),), root=False, centre=False, metric=metric)


@dataclass
class FakeView:
    """Implements of ``View`` what ranking needs, and notes how long the lists are that are asked.

    It never looks at all items unless ``scans``. ``exact`` is what its lists say of themselves;
    ``shortest`` cuts them, as an approximate index may.
    """

    held: Mapping[str, Vectors]
    scans: bool = False
    exact: bool = True
    shortest: int | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        raise NotImplementedError

    @property
    def count(self) -> int:
        return len(next(iter(self.held.values())))

    @property
    def end(self) -> int:
        return self.count

    def within(
        self, filter: Filter = ALL, *, before: int | None = None, without: Slots | None = None
    ) -> "FakeView":
        raise NotImplementedError

    def search(self, space: Space, queries: Vectors, k: int) -> list[Matches]:
        self.asked.append((space.name, k))
        values = similarities(queries, self.held[space.name], space.metric)[0]
        order = np.argsort(-values, kind="stable")[: min(k, self.shortest or k)]
        return [Matches(order, values[order], self.exact)]

    def scan(self, terms: Sequence[tuple[Space, Vectors]]) -> Scan | None:
        if not self.scans:
            return None
        found = [similarities(q[None], self.held[s.name], s.metric)[0] for s, q in terms]
        return Scan(np.arange(self.count), found)

    def vectors(self, space: Space, slots: Slots) -> Vectors:
        return self.held[space.name][slots]

    def facet(self, column: str, limit: int) -> object:
        raise NotImplementedError

    def color_counts(self) -> dict[str, int]:
        raise NotImplementedError

    def reference(self, space: Space) -> Vectors:
        return self.held[space.name][::7]


def random_view(count: int, seed: int, names: str = "abc", width: int = 8) -> FakeView:
    """Return a view of ``count`` items with random unit vectors in each space."""
    random = np.random.default_rng(seed)
    return FakeView(
        {name: unit(random.standard_normal((count, width)).astype(np.float32)) for name in names}
    )


def part(view: FakeView, name: str, weight: float, item: int = 0) -> Part:
    """Return a term that asks for what is like ``item``."""
    return Part(Subject(attribute=name), space(name), view.held[name][item], weight)
