"""Branches: what becomes of some raw pools on their way into a space's vectors.

Root is the signed square root of Perronnin et al. 2010 (power normalisation, alpha = 1/2).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Literal, get_args

import numpy as np

from models.extraction import PoolName, RawPools, Vectors

Method = Literal["plain", "centred", "whitened", "learned"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, eq=False)
class Affine:
    """x to (x - shift) @ matrix: ``shift`` (d,) float32, ``matrix`` (d, k) float32, None for the
    identity. Two of the same numbers are equal."""

    shift: Vectors
    matrix: Vectors | None = None

    def __call__(self, rows: Vectors) -> Vectors:
        """Return (n, k) of (n, d) ``rows``."""
        moved: Vectors = rows - self.shift
        return moved if self.matrix is None else moved @ self.matrix

    @property
    def width(self) -> int:
        """How many numbers come out."""
        return len(self.shift) if self.matrix is None else self.matrix.shape[1]

    @cached_property
    def digest(self) -> str:
        """What it is known by."""
        parts = [self.shift] if self.matrix is None else [self.shift, self.matrix]
        text = b"".join(np.ascontiguousarray(part, "<f4").tobytes() for part in parts)
        return sha256(repr([part.shape for part in parts]).encode() + text).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@dataclass(frozen=True)
class Branch:
    """Pools side by side, those of ``rooted`` by their roots, and ``layers`` one after the other.

    After each layer a vector is scaled to unit length, unless the space is one of distances.
    ``method`` says where layers come from: none at all, the catalog's mean, its mean and spread
    (see ``indexer.statistics``), or labels. Those from labels are the branch's own and never
    change; the others are statistics, None until they are taken.

    A branch that is whitened first goes through ``probe``, (d, d), if it has one, and comes out
    ``width`` wide, its spread over about ``spread`` directions. ``weight`` is its share of the
    squared length of a vector that several branches make up.
    """

    pools: tuple[PoolName, ...]
    rooted: frozenset[PoolName] = frozenset()
    method: Method = "plain"
    width: int = 0
    spread: float = 0.0
    weight: float = 1.0
    probe: Affine | None = None
    layers: tuple[Affine, ...] | None = None

    @property
    def ready(self) -> bool:
        """Whether vectors can be made."""
        return self.method == "plain" or self.layers is not None

    @property
    def is_fixed(self) -> bool:
        """Whether no statistics of a catalog are in its layers."""
        return self.method in ("plain", "learned")

    @property
    def definition(self) -> "Branch":
        """This without the statistics that were taken."""
        return self if self.is_fixed else replace(self, layers=None)

    def dimension(self, input: int) -> int:
        """Return how many numbers come out of ``input``."""
        if self.method == "whitened":
            return self.width
        return self.layers[-1].width if self.layers else input

    def joined(self, raw: RawPools) -> Vectors:
        """Return (n, channels of all pools), rooted where it is to be."""
        parts = [rooted(raw[pool]) if pool in self.rooted else raw[pool] for pool in self.pools]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def transform(self, raw: RawPools, *, scaled: bool) -> Vectors:
        """Return (n, d) vectors, each layer's of unit length if ``scaled``."""
        rows = self.joined(raw)
        for layer in self.layers or ():
            rows = unit(layer(rows)) if scaled else layer(rows)
        return unit(rows) if scaled and not self.layers else rows


def rooted(vectors: Vectors) -> Vectors:
    """Return signed square roots."""
    return np.sign(vectors) * np.sqrt(np.abs(vectors))


def unit(vectors: Vectors) -> Vectors:
    """Return rows scaled to length one; a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
