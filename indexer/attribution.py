"""Where in a picture a similarity comes from: exact, additive contributions of places.

A raw pool r is the weighted mean of the values f at its places, so root(r), channel by channel
r / sqrt(|r|), is the weighted mean of f / sqrt(|r|): for one picture a vector is linear in its
places, and so is every inner product with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Space
from models.extraction import LocalPool, LocalPools, PoolName, RawPools, Vectors

Contributions = NDArray[np.float64]
_LEAST = 1e-12


def pooled(local: LocalPools) -> RawPools:
    """Return the raw pools that ``local`` makes up, (n, channels) float32 each."""
    return {
        pool: np.einsum("nhw,nhwc->nc", part.weights, part.values, optimize=True)
        for pool, part in local.items()
    }


def mixture(raw: RawPools, weights: Vectors) -> LocalPools:
    """Return one picture whose places are the k rows of ``raw``, (k, channels) each, in (k, 1).

    Its pools are the mean of the rows by ``weights``, (k,), as those of a palette are of the
    pools of its colors.
    """
    shares = (np.asarray(weights) / np.sum(weights)).astype(np.float32)
    return {
        pool: LocalPool(rows[None, :, None, :], shares[None, :, None]) for pool, rows in raw.items()
    }


def attribution(space: Space, local: LocalPools, query: Vectors) -> list[Contributions]:
    """Return an (h, w) map for each pool of ``space``, all of them summing to the similarity of
    one picture to ``query``.

    ``local`` is the picture's, n being 1, ``query`` (d,) as the space transforms. A place
    contributes the inner product of its part of the picture's vector with ``query``; for l2 that
    of its part of the way to ``query`` with the way's direction.
    """
    vector = space.transform(pooled(local))[0].astype(np.float64)
    if space.metric == "cosine":
        return project(space, local, query)
    return project(space, local, *_way(vector, query.astype(np.float64)))


def attributions(
    space: Space, examples: Sequence[LocalPools], target: Vectors
) -> list[list[Contributions]]:
    """Return the maps of each of n ``examples``, all together summing to the similarity between
    ``target``, (d,), and what the examples' mean asks for (see ``mean_query``)."""
    vectors = np.concatenate([space.transform(pooled(local)) for local in examples])
    mean = vectors.mean(axis=0, dtype=np.float64)
    if space.metric == "cosine":
        direction, origin = target / _length(mean), np.zeros_like(mean)
    else:
        direction, origin = _way(mean, target.astype(np.float64))
    maps = [project(space, local, direction, origin) for local in examples]
    return [[part / len(examples) for part in parts] for parts in maps]


def mean_query(space: Space, vectors: Vectors) -> Vectors:
    """Return the (d,) query that (n, d) vectors of examples make up: their mean, of unit length
    for the cosine metric."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    if space.metric == "cosine":
        mean = mean / _length(mean)
    query: Vectors = mean.astype(np.float32)
    return query


def project(
    space: Space,
    local: LocalPools,
    direction: NDArray[np.floating],
    origin: NDArray[np.floating] | None = None,
) -> list[Contributions]:
    """Return an (h, w) map for each pool of ``space``, all of them summing to the inner product
    of ``direction`` with the picture's vector less ``origin``, both (d,)."""
    start = np.zeros_like(direction) if origin is None else origin
    return [
        part.places(local[part.pool], direction[part.columns], start[part.columns])
        for part in _parts(space, local)
    ]


@dataclass(frozen=True)
class _Part:
    """One pool's part of a vector: its columns there, and (place * gain - mean) * scale."""

    pool: PoolName
    columns: slice
    gain: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: float

    def places(
        self,
        local: LocalPool,
        direction: NDArray[np.floating],
        origin: NDArray[np.floating],
    ) -> Contributions:
        toward = direction * self.scale
        constant = float(self.mean @ toward + origin @ direction)
        # h x w x channels times channels: values as they are, never a copy of them.
        products = local.values[0] @ (self.gain * toward)
        contributions: Contributions = local.weights[0] * (products - constant)
        return contributions


def _parts(space: Space, local: LocalPools) -> Iterator[_Part]:
    """Yield how ``space`` makes the vector of one picture, pool by pool; see Space.transform."""
    raw = {pool: rows[0].astype(np.float64) for pool, rows in pooled(local).items()}
    gains = {pool: _gain(raw[pool], space.root) for pool in space.pools}
    means = _means(space, [len(raw[pool]) for pool in space.pools])
    lengths = [
        _length(raw[pool] * gains[pool] - mean)
        for pool, mean in zip(space.pools, means, strict=True)
    ]
    whole = np.sqrt(sum(length > _LEAST for length in lengths))
    at = 0
    for pool, mean, length in zip(space.pools, means, lengths, strict=True):
        columns = slice(at, at + len(mean))
        scale = 1.0 if space.metric == "l2" else 1.0 / (length * max(whole, _LEAST))
        yield _Part(pool, columns, gains[pool], mean, scale)
        at = columns.stop


def _gain(raw: NDArray[np.float64], root: bool) -> NDArray[np.float64]:
    if not root:
        return np.ones_like(raw)
    roots = np.sqrt(np.abs(raw))
    return np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)


def _means(space: Space, widths: Sequence[int]) -> list[NDArray[np.float64]]:
    mean = np.array(space.mean) if space.centre else np.zeros(sum(widths))
    return np.split(mean, np.cumsum(widths)[:-1])


def _way(
    vector: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the direction whose inner product with ``vector`` less ``target`` is minus their
    distance, and ``target``."""
    way = target - vector
    return way / _length(way), target


def _length(vector: NDArray[np.float64]) -> float:
    return max(float(np.linalg.norm(vector)), _LEAST)
