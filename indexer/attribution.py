"""Where in a picture a similarity comes from: exact, additive contributions of places.

A raw pool r is the weighted mean of the values f at its places, so root(r), channel by channel
r / sqrt(|r|), is the weighted mean of f / sqrt(|r|): for one picture a vector is linear in its
places, and so is every inner product with it. Layers are linear, too, once the lengths that they
scale one picture by are known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.branches import Branch
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
    maps: dict[PoolName, Contributions] = {}
    for part in _parts(space, local, direction):
        constant = part.constant - float(start[part.columns] @ direction[part.columns])
        share = constant / len(part.towards)
        for pool, toward in part.towards.items():
            # h x w x channels times channels: values as they are, never a copy of them.
            places = local[pool].weights[0] * (local[pool].values[0] @ toward + share)
            maps[pool] = maps[pool] + places if pool in maps else places
    return [maps[pool] for pool in space.pools]


@dataclass(frozen=True)
class _Part:
    """A branch's share of an inner product: that of each pool's values with ``towards``, and
    ``constant``. ``columns`` are the branch's in the vector."""

    columns: slice
    towards: dict[PoolName, NDArray[np.float64]]
    constant: float


def _parts(space: Space, local: LocalPools, direction: NDArray[np.floating]) -> Iterator[_Part]:
    """Yield how ``space`` makes the inner product of one picture's vector with ``direction``,
    branch by branch; see Space.transform."""
    raw = {pool: rows[0].astype(np.float64) for pool, rows in pooled(local).items()}
    l2 = space.metric == "l2"
    chains = [_Chain.of(branch, raw, scaled=not l2) for branch in space.branches]
    lengths = [chain.vector @ chain.vector * chain.branch.weight for chain in chains]
    whole = 1.0 if l2 else max(float(np.sqrt(sum(lengths))), _LEAST)
    at = 0
    for chain in chains:
        columns = slice(at, at + len(chain.vector))
        at = columns.stop
        scale = 1.0 if l2 else np.sqrt(chain.branch.weight) / whole
        toward, constant = chain.pulled_back(direction[columns].astype(np.float64) * scale)
        widths = [len(raw[pool]) for pool in chain.branch.pools]
        pieces = np.split(toward, np.cumsum(widths)[:-1])
        gains = [_gain(raw[pool], pool in chain.branch.rooted) for pool in chain.branch.pools]
        towards = zip(chain.branch.pools, pieces, gains, strict=True)
        yield _Part(columns, {pool: one * gain for pool, one, gain in towards}, constant)


@dataclass(frozen=True)
class _Chain:
    """One picture on its way through a branch: ``lengths`` are those it was divided by, one after
    each layer. With these fixed, all the way is linear."""

    branch: Branch
    lengths: tuple[float, ...]
    vector: NDArray[np.float64]

    @staticmethod
    def of(branch: Branch, raw: Mapping[PoolName, NDArray[np.float64]], scaled: bool) -> "_Chain":
        x = np.concatenate([raw[pool] * _gain(raw[pool], pool in branch.rooted)
                            for pool in branch.pools])  # fmt: skip
        lengths = []
        for layer in branch.layers or (None,):
            if layer is not None:
                x = x - layer.shift
                x = x if layer.matrix is None else x @ layer.matrix
            lengths.append(_length(x) if scaled else 1.0)
            x = x / lengths[-1]
        return _Chain(branch, tuple(lengths), x)

    def pulled_back(self, direction: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return (d,) and a constant: the inner product of what goes in with the former, plus the
        latter, is that of what comes out with ``direction``."""
        constant = 0.0
        layers = self.branch.layers or (None,)
        for layer, length in zip(reversed(layers), reversed(self.lengths), strict=True):
            direction = direction / length
            if layer is not None:
                direction = direction if layer.matrix is None else layer.matrix @ direction
                constant -= float(layer.shift @ direction)
        return direction, constant


def _gain(raw: NDArray[np.float64], root: bool) -> NDArray[np.float64]:
    if not root:
        return np.ones_like(raw)
    roots = np.sqrt(np.abs(raw))
    return np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)


def _way(
    vector: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the direction whose inner product with ``vector`` less ``target`` is minus their
    distance, and ``target``."""
    way = target - vector
    return way / _length(way), target


def _length(vector: NDArray[np.float64]) -> float:
    return max(float(np.linalg.norm(vector)), _LEAST)
