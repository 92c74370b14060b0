"""Export: keys and embeddings of an index as a NumPy archive."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import iterate
from indexer.store import CatalogStore
from models.errors import BlockError
from models.extraction import PoolKind, PoolName, Vectors
from service.errors import QueryError

Arrays = tuple[NDArray[np.str_], Vectors]


def export_block(store: CatalogStore, block: int, kind: PoolKind) -> Arrays:
    """Return keys (n,) in order and the raw pools of a block, (n, channels) float32.

    Raises BlockError if the index does not store that block or pool.
    """
    manifest = store.manifest
    name = PoolName(block, kind)
    if name not in manifest.pools:
        stored = ", ".join(map(str, manifest.pools))
        raise BlockError(f"pool {name} is not in this index: it stores {stored}")
    keys, slots = _keys_and_slots(store)
    rows = [store.pools(run, [name])[name] for run in iterate(slots)]
    return keys, _stacked(rows, manifest.pools[name])


def export_attribute(store: CatalogStore, attribute: str) -> Arrays:
    """Return keys (n,) in order and the (n, d) float32 vectors an attribute is searched by.

    Raises UnknownNameError for an attribute the index lacks, QueryError for an empty index.
    """
    space = store.manifest.space_of_attribute(attribute)
    if not space.ready:
        raise QueryError("the index is empty: there is nothing to export")
    keys, slots = _keys_and_slots(store)
    rows = [space.transform(store.pools(run, space.pools)) for run in iterate(slots)]
    return keys, _stacked(rows, store.manifest.dimension(space))


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write arrays ``keys`` and ``embeddings`` to exactly ``path``."""
    keys, embeddings = arrays
    with path.open("wb") as file:  # given a name, NumPy would append .npz to it
        np.savez(file, keys=keys, embeddings=embeddings)


def _keys_and_slots(store: CatalogStore) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    pairs = [(item.key, item.slot) for item in store.items()]
    keys = np.array([key for key, _ in pairs], dtype=np.str_)
    return keys, np.array([slot for _, slot in pairs], dtype=np.int64)


def _stacked(rows: list[Vectors], width: int) -> Vectors:
    return np.concatenate([np.empty((0, width), np.float32), *rows])
