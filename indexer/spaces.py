"""Spaces: what is searched, derived from raw pools by root, centring and a metric.

Root is the signed square root of Perronnin et al. 2010 (power normalisation, alpha = 1/2).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models.errors import one_of
from models.extraction import PoolName, RawPools, Vectors

Metric = Literal["cosine", "l2"]
Slots = NDArray[np.int64]
"""Rows of the pools, one an item."""
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class Space:
    """One or more pools, a normalisation and a metric; ``mean`` is its statistic, once it has one.

    ``name`` names its folder too: what is searched under one name never changes its definition.
    Pools of several blocks are normalised each by itself and then concatenated.
    """

    name: str
    pools: tuple[PoolName, ...]
    root: bool
    centre: bool
    metric: Metric
    mean: tuple[float, ...] | None = None

    @property
    def ready(self) -> bool:
        """Whether vectors can be made: centring needs a mean."""
        return not self.centre or self.mean is not None

    def is_like(self, other: "Space") -> bool:
        """Return whether ``other`` is the same but for its name and its mean."""
        return replace(self, name="", mean=None) == replace(other, name="", mean=None)

    def transform(self, raw: RawPools) -> Vectors:
        """Return (n, d) float32 vectors as searched; of unit length for the cosine metric."""
        if not self.ready:
            raise ValueError(f"space {self.name} has no mean yet")
        flat = np.concatenate([self._rooted(raw[pool]) for pool in self.pools], axis=1)
        if self.centre:
            flat = flat - np.asarray(self.mean, dtype=np.float32)
        if self.metric == "l2":
            return np.ascontiguousarray(flat)
        parts = np.split(flat, np.cumsum([raw[p].shape[1] for p in self.pools])[:-1], axis=1)
        return unit(np.concatenate([unit(part) for part in parts], axis=1))

    def with_mean(self, batches: Iterable[RawPools]) -> "Space":
        """Return this space with the mean of the pools in ``batches``; itself if uncentred."""
        if not self.centre:
            return self
        total: NDArray[np.float64] | None = None
        count = 0
        for raw in batches:
            flat = np.concatenate([self._rooted(raw[pool]) for pool in self.pools], axis=1)
            part = flat.sum(axis=0, dtype=np.float64)
            total, count = (part if total is None else total + part), count + len(flat)
        if total is None or not count:
            return self
        mean = (total / count).astype(np.float32)
        return replace(self, mean=tuple(float(value) for value in mean))

    def _rooted(self, vectors: Vectors) -> Vectors:
        return np.sign(vectors) * np.sqrt(np.abs(vectors)) if self.root else vectors


def unit(vectors: Vectors) -> Vectors:
    """Return rows scaled to length one; a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


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
