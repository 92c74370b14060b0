"""What a space makes of raw pools, in plain words and in doubles."""

import numpy as np

from indexer.spaces import Space
from models.extraction import RawPools


def plain_vectors(space: Space, raw: RawPools) -> np.ndarray:
    """Return the (n, d) unit vectors of a space that is searched by cosines."""
    parts = []
    for branch in space.branches:
        flat = [raw[pool].astype(np.float64) for pool in branch.pools]
        roots = [
            np.sign(one) * np.sqrt(np.abs(one)) if pool in branch.rooted else one
            for pool, one in zip(branch.pools, flat, strict=True)
        ]
        rows = np.concatenate(roots, axis=1)
        if not branch.layers:
            rows = scaled(rows)
        for layer in branch.layers or ():
            rows = rows - layer.shift
            rows = scaled(rows if layer.matrix is None else rows @ layer.matrix.astype(np.float64))
        parts.append(np.sqrt(branch.weight) * rows)
    return scaled(np.concatenate(parts, axis=1))


def scaled(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
