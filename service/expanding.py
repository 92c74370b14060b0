"""Query expansion: a query moved toward the items that are most like it.

Average query expansion weighted by similarity (Chum et al. 2007; Gordo et al. 2017, alpha = 1). It
changes the query alone: what is in the index stays as it is.
"""

import numpy as np

from indexer.branches import unit
from indexer.spaces import Slots, Space
from indexer.store import View
from models.extraction import Vectors
from service.errors import QueryError


def expanded(view: View, space: Space, vector: Vectors, count: int, own: Slots) -> Vectors:
    """Return (d,) ``vector`` plus the ``count`` items of ``view`` nearest to it, each as often as
    it is alike, scaled to unit length. ``own`` are the slots of its examples, which do not count.
    """
    found = view.within(without=np.unique(own)).search(space, vector[None], count)[0]
    weights = np.maximum(found.similarities, 0)
    moved = vector + weights @ view.vectors(space, found.slots)
    result: Vectors = unit(moved[None].astype(np.float32))[0]
    return result


def check_expand(count: int, space: Space, weight: float, where: str) -> None:
    """Raise QueryError for a term that cannot be expanded."""
    if count and space.metric != "cosine":
        raise QueryError(
            f"{where} is {count}, but {space.name} is searched by distances: leave it out"
        )
    if count and weight < 0:
        raise QueryError(
            f"{where} is {count}, but the term pushes away (weight {weight:g}): leave it out"
        )
