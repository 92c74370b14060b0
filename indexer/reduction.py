"""Fewer numbers a vector, by principal components, and what that loses."""

import re
from dataclasses import dataclass, replace

import numpy as np

from indexer.branches import Branch
from indexer.snapshot import rank
from indexer.spaces import Slots, Space, similarities
from indexer.store import CatalogStore
from models.errors import HueweaveError
from models.extraction import PoolName, Vectors

NONE = "none"
_MOST, _SAMPLE, _NEAREST = 2048, 2000, 10


class ReductionError(HueweaveError):
    """A reduction that is none."""


@dataclass(frozen=True)
class Loss:
    """What a reduction of an attribute to ``kept`` of ``whole`` numbers costs: the share of the
    ten nearest that stay the same, by a sample of ``items``."""

    attribute: str
    whole: int
    kept: int
    same: float
    items: int


def parse_reduction(text: str) -> int | None:
    """Return how many numbers ``text``, ``pca:N`` or ``none``, keeps; raises ReductionError."""
    if text == NONE:
        return None
    found = re.fullmatch(r"pca:([1-9]\d{0,3})", text)
    if not found or int(found[1]) > _MOST:
        raise ReductionError(
            f"reduce is {text!r}: expected none, or pca:N with N from 1 to {_MOST}"
        )
    return int(found[1])


def reduced(space: Space, count: int, widths: dict[PoolName, int]) -> Space:
    """Return ``space`` with at most ``count`` numbers a vector, as many of each branch; itself if
    it has no more. It is centred then, whatever it was."""
    if space.dimension(widths) <= count:
        return space
    share = max(count // len(space.branches), 1)
    branches = tuple(_narrowed(one, share, _input(one, widths)) for one in space.branches)
    return replace(space, name=f"{space.name}-pca{count}", branches=branches)


def measure_loss(store: CatalogStore, attribute: str) -> Loss:
    """Return what is lost in the space of ``attribute`` against all the directions there are."""
    widths, space = store.manifest.pools, store.manifest.space_of_attribute(attribute)
    slots = np.array(sorted(item.slot for item in store.items()), np.int64)
    random = np.random.default_rng(0)
    chosen = np.sort(random.choice(slots, min(_SAMPLE, len(slots)), replace=False))
    raw = store.pools(chosen, space.pools)
    branches = tuple(
        replace(one.definition, width=_input(one, widths)) if one.method == "whitened" else one
        for one in space.branches
    )
    whole = replace(space, branches=branches).fitted(lambda: [raw])
    before, after = (_nearest(one, one.transform(raw)) for one in (whole, space))
    shares = [
        len(np.intersect1d(a, b)) / max(len(a), 1) for a, b in zip(before, after, strict=True)
    ]
    same = float(np.mean(shares)) if shares else 1.0
    return Loss(attribute, whole.dimension(widths), space.dimension(widths), same, len(chosen))


def _narrowed(branch: Branch, width: int, input: int) -> Branch:
    if branch.method == "whitened":
        return replace(branch, width=min(branch.width, width))
    return replace(branch, method="whitened", width=min(width, input), spread=0.0)


def _input(branch: Branch, widths: dict[PoolName, int]) -> int:
    return sum(widths[pool] for pool in branch.pools)


def _nearest(space: Space, vectors: Vectors) -> Slots:
    values = similarities(vectors, vectors, space.metric)
    np.fill_diagonal(values, -np.inf)
    count = min(_NEAREST, len(vectors) - 1)
    return rank(values, np.arange(len(vectors)), count)[1]
