"""Places on a plane: UMAP (McInnes, Healy and Melville 2018), and who gets a thumbnail there."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Metric
from models.extraction import Vectors
from service.evaluation.ranking import Rows

Places = NDArray[np.float64]
MIN_ITEMS, MAX_ITEMS = 10, 1_500
NEIGHBOURS = 15


@dataclass(frozen=True)
class Plane:
    """A drawing's size, with a ``margin`` that no place is in."""

    width: float = 600
    height: float = 480
    margin: float = 24


def sampled(rows: Rows, seed: int) -> Rows:
    """Return at most MAX_ITEMS of ``rows``, in order, a sample by ``seed``."""
    if len(rows) <= MAX_ITEMS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ITEMS, replace=False))


def lay_out(vectors: Vectors, metric: Metric, seed: int) -> Places:
    """Return (n, 2) places of at least MIN_ITEMS (n, d) vectors, near ones near, by UMAP."""
    with warnings.catch_warnings():
        # That TensorFlow is not there, and how a layout was begun, is nothing to act on.
        warnings.simplefilter("ignore")
        from umap import UMAP

        method = UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1),
            metric="euclidean" if metric == "l2" else "cosine",
            # Looser than its 0.1: thumbnails need room.
            min_dist=0.5,
            random_state=seed,
            # A seeded layout has no other, and says so unless it is asked for.
            n_jobs=1,
        )
        return np.asarray(method.fit_transform(vectors), np.float64)


def fitted(places: Places, plane: Plane) -> Places:
    """Return ``places`` turned so that they are widest across, and stretched to fill ``plane``."""
    middle = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(middle, full_matrices=False)
    turned = middle @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    room = np.array([plane.width, plane.height]) - 2 * plane.margin
    filling: Places = (turned - low) / np.maximum(high - low, 1e-9) * room + plane.margin
    return filling


def thinned(places: Places, order: Rows, side: float) -> list[int]:
    """Return those rows whose squares of ``side`` do not overlap, taken first come first served in
    ``order``: with one order for many maps, mostly the same pictures stand on all of them."""
    chosen: list[int] = []
    for at in order.tolist():
        if not chosen or (np.abs(places[chosen] - places[at]).max(axis=1) >= side).all():
            chosen.append(at)
    return chosen
