"""Spaces: what is searched, derived from raw pools by one or more branches, and a metric."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from indexer.branches import Affine, Branch, Method, unit
from indexer.statistics import fit_branch
from models.errors import one_of
from models.extraction import PoolName, RawPools, Vectors

Metric = Literal["cosine", "l2"]
Slots = NDArray[np.int64]
"""Rows of the pools, one an item."""
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class Space:
    """Branches whose vectors are joined by their weights, and a metric.

    ``name`` names its folder too: what is searched under one name never changes its definition.
    """

    name: str
    branches: tuple[Branch, ...]
    metric: Metric

    @property
    def pools(self) -> tuple[PoolName, ...]:
        """The raw pools it is made of, each once."""
        return tuple(dict.fromkeys(pool for branch in self.branches for pool in branch.pools))

    def roots(self, pool: PoolName) -> bool:
        """Return whether square roots of ``pool`` are taken."""
        return any(pool in branch.rooted for branch in self.branches)

    @property
    def ready(self) -> bool:
        """Whether vectors can be made: what is centred needs a mean."""
        return all(branch.ready for branch in self.branches)

    @property
    def layers(self) -> list[Affine]:
        """All layers there are, branch by branch."""
        return [layer for branch in self.branches for layer in branch.layers or ()]

    @property
    def definition(self) -> tuple[object, ...]:
        """What makes two spaces the same but for their names and statistics."""
        return (*(branch.definition for branch in self.branches), self.metric)

    def is_like(self, other: "Space") -> bool:
        """Return whether ``other`` is the same but for its name and its statistics."""
        return self.definition == other.definition

    def dimension(self, widths: dict[PoolName, int]) -> int:
        """Return how many numbers a vector has, of pools that are ``widths`` wide."""
        return sum(
            branch.dimension(sum(widths[pool] for pool in branch.pools)) for branch in self.branches
        )

    def transform(self, raw: RawPools) -> Vectors:
        """Return (n, d) float32 vectors as searched; of unit length for the cosine metric."""
        if not self.ready:
            raise ValueError(f"space {self.name} has no statistics yet")
        if self.metric == "l2":
            parts = [branch.transform(raw, scaled=False) for branch in self.branches]
            return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32)
        parts = [
            np.float32(np.sqrt(branch.weight)) * branch.transform(raw, scaled=True)
            for branch in self.branches
        ]
        return unit(np.concatenate(parts, axis=1))

    def fitted(self, batches: Callable[[], Iterable[RawPools]]) -> "Space":
        """Return this space with the statistics of the pools in ``batches``, which is called more
        than once; itself if there is nothing to take, or nothing to take it from."""
        if all(branch.is_fixed for branch in self.branches):
            return self
        branches = tuple(
            branch if branch.is_fixed else fit_branch(branch, batches) for branch in self.branches
        )
        return replace(self, branches=branches)

    def provisional(self) -> "Space":
        """Return what this is before there are statistics: branches that need some are plain."""
        branches = tuple(
            branch if branch.is_fixed else replace(branch, method="plain", layers=None)
            for branch in self.branches
        )
        return replace(self, branches=branches)


def simple_space(
    name: str, pools: Sequence[PoolName], root: bool, centre: bool, metric: Metric
) -> Space:
    """Return the space in which each of ``pools`` is a branch, rooted and centred or not."""
    method: Method = "centred" if centre else "plain"
    branches = (Branch((pool,), frozenset({pool} if root else ()), method=method) for pool in pools)
    return Space(name, tuple(branches), metric)


def similarities(queries: Vectors, vectors: Vectors, metric: Metric) -> Vectors:
    """Return (q, n): cosine of unit vectors, or minus the Euclidean distance for l2."""
    if metric == "cosine":
        # Rounding takes the cosine of equal vectors past 1.
        cosines: Vectors = np.clip(queries @ vectors.T, -1.0, 1.0)
        return cosines
    # In doubles: near vectors far from the origin have almost equal squares.
    q, v = queries.astype(np.float64), vectors.astype(np.float64)
    squares = (q**2).sum(1)[:, None] + (v**2).sum(1)[None, :] - 2 * (q @ v.T)
    distances: Vectors = np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)
    return -distances


def block_space_name(block: int) -> str:
    """Return the name of the space of one block, pooled everywhere."""
    return f"block{block}-gap"


def parse_metric(text: str) -> Metric:
    """Return ``text`` as a metric; raises UnknownNameError naming the known ones."""
    return one_of("metric", text, METRICS)


def iterate(slots: Slots, step: int = 4096) -> Iterator[Slots]:
    """Yield ``slots`` in runs of ``step``, so that memory does not grow with the catalog."""
    for at in range(0, len(slots), step):
        yield slots[at : at + step]
