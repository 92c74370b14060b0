"""Raw pools made ready for learning: rooted, of one scale, in their principal directions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.extraction import PoolName, Vectors
from service.learning.arrays import Doubles, Rows

MAX_WIDTH = 512
"""Principal directions that are kept of a set of pools."""
# Directions with less than this share of the first one's variance are rounding.
_FLOOR = 1e-10
Rooted = Mapping[PoolName, Doubles]


def rooted(raw: Mapping[PoolName, Vectors], with_root: Collection[PoolName]) -> Rooted:
    """Return raw pools in doubles, those ``with_root`` as their signed square roots."""
    return {
        pool: (np.sign(rows) * np.sqrt(np.abs(rows)) if pool in with_root else rows).astype(
            np.float64
        )
        for pool, rows in raw.items()
    }


@dataclass(frozen=True)
class Basis:
    """Pools side by side to (rows - ``middle``) * ``scale`` @ ``directions``.

    ``middle`` and ``scale`` are (d,), ``directions`` (d, r) with orthogonal columns of length one.
    Each pool has the same share of a total variance of one, however wide it is.
    """

    pools: tuple[PoolName, ...]
    middle: Doubles
    scale: Doubles
    directions: Doubles

    def coordinates(self, found: Rooted) -> Doubles:
        """Return (n, r) coordinates of rooted pools."""
        rows = np.concatenate([found[pool] for pool in self.pools], axis=1)
        coordinates: Doubles = ((rows - self.middle) * self.scale) @ self.directions
        return coordinates

    def linear(self, matrix: Doubles, middle: Doubles) -> tuple[Vectors, Vectors]:
        """Return (d,) shift and (d, k) matrix, float32, that take pools side by side to where
        (coordinates - ``middle``) @ ``matrix`` takes their coordinates."""
        back = self.directions @ middle
        shift = self.middle + np.divide(back, self.scale, out=np.zeros_like(back),
                                        where=self.scale > 0)  # fmt: skip
        whole = self.scale[:, None] * (self.directions @ matrix)
        return shift.astype(np.float32), whole.astype(np.float32)


def make_basis(found: Rooted, pools: Sequence[PoolName], rows: Rows) -> Basis:
    """Return the basis of ``pools`` by the items ``rows``; without labels."""
    parts = [found[pool][rows] for pool in pools]
    totals = [part.var(axis=0).sum() * len(parts) for part in parts]
    # A pool that is the same in all items says nothing.
    scales = [1 / np.sqrt(total) if total > 0 else 0.0 for total in totals]
    widths = [part.shape[1] for part in parts]
    joined = np.concatenate(parts, axis=1)
    middle, scale = joined.mean(axis=0), np.repeat(scales, widths)
    return Basis(tuple(pools), middle, scale, _principal((joined - middle) * scale))


def sets_of(pools: Collection[PoolName]) -> dict[str, tuple[PoolName, ...]]:
    """Return what is tried: each pool by itself, each block's pools together, and all of them.

    Names say so: ``2-gap``, ``2``, ``all``. Of equal sets there is one.
    """
    ordered = tuple(sorted(pools, key=lambda pool: (pool.block, pool.kind != "gap")))
    named: dict[str, tuple[PoolName, ...]] = {str(pool): (pool,) for pool in ordered}
    for block in dict.fromkeys(pool.block for pool in ordered):
        named[str(block)] = tuple(pool for pool in ordered if pool.block == block)
    named["all"] = ordered
    # The last name of a set counts: "all" is there even if there is only one pool.
    last = {members: name for name, members in named.items()}
    return {name: members for name, members in named.items() if last[members] == name}


def evened(vectors: Vectors) -> Doubles:
    """Return (n, d) vectors centred, with a total variance of one."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    total = centred.var(axis=0).sum()
    found: Doubles = centred / np.sqrt(total) if total > 0 else centred
    return found


def _principal(centred: Doubles) -> Doubles:
    """Return (d, r) principal directions, the widest first; r is at most MAX_WIDTH."""
    from scipy.linalg import eigh

    count, width = centred.shape
    small = count <= width
    products = centred @ centred.T if small else centred.T @ centred
    size = len(products)
    spread, vectors = eigh(products, subset_by_index=(max(size - MAX_WIDTH, 0), size - 1))
    spread, vectors = spread[::-1], vectors[:, ::-1]
    kept = spread > max(spread[0] * _FLOOR, 0.0)
    spread, vectors = spread[kept], vectors[:, kept]
    directions: Doubles = centred.T @ vectors / np.sqrt(spread) if small else vectors
    return directions
