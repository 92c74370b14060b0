"""What each step of the default recipe is worth: `python -m benchmarks.recipes FILE COLUMN --index
DIR --attribute color|texture`.

Leave-one-out mAP of one space after the other, made of the raw pools and the probe of one index:
that is all that differs between the rows.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.quality import expanded, mean_average_precision, read_labels
from indexer.branches import Branch
from indexer.local import LocalStore
from indexer.manifest import Manifest
from indexer.presets import SPREAD
from indexer.spaces import Space
from models.extraction import PoolName, RawPools

Row = tuple[str, Space]


def color_rows(manifest: Manifest) -> Iterator[Row]:
    """Yield the steps from block 2's average pool to the default's color."""
    gap, first, second = PoolName(2, "gap"), PoolName(1, "foreground"), PoolName(2, "foreground")
    yield "block 2, average pool", _space(Branch((gap,)))
    yield "block 1, average pool, root, centred", _space(_centred(manifest, PoolName(1, "gap")))
    yield "block 1, foreground, root, centred", _space(_centred(manifest, first))
    both = [_centred(manifest, one) for one in (first, second)]
    yield "blocks 1 and 2, foreground, root, centred", _space(*both)
    yield "the same, whitened to 8", _space(*(_whitened(one, 64) for one in both))
    now = manifest.space_of_attribute("color").branches
    for at, name in enumerate(("block 1", "block 2")):
        yield f"{name} alone, probed, whitened to 8", _space(now[at].definition)
    plain = (replace(one.definition, spread=0.0) for one in now)
    yield "blocks 1 and 2, probed, not whitened", _space(*plain)
    for spread in (4.0, 16.0, 8.0):
        branches = (replace(one.definition, spread=spread) for one in now)
        yield f"blocks 1 and 2, probed, whitened to {spread:.0f}", _space(*branches)


def texture_rows(manifest: Manifest) -> Iterator[Row]:
    """Yield the steps from the average pool to the default's texture."""
    (now,) = manifest.space_of_attribute("texture").branches
    (pool,) = now.pools
    yield f"block {pool.block}, average pool", _space(Branch((pool,)))
    centred = _centred(manifest, pool)
    yield "the same, root if rectified, centred", _space(centred)
    yield "the same, foreground", _space(_centred(manifest, PoolName(pool.block, "foreground")))
    before = PoolName(pool.block - 1, "gap")
    yield "the same, joined with the block before", _space(centred, _centred(manifest, before))
    channels = manifest.pools[pool]
    for width in (channels, 16, 32, 64, 128):
        yield f"principal directions, {width}", _space(_whitened(centred, width, 0.0))
    for spread in (4.0, 16.0, 32.0, 8.0):
        yield f"whitened to {spread:.0f}, 64 directions", _space(_whitened(centred, 64, spread))


def _space(*branches: Branch) -> Space:
    return Space("measured", branches, "cosine")


def _centred(manifest: Manifest, pool: PoolName) -> Branch:
    block = manifest.spaces[f"block{pool.block}-gap"]
    rooted = any(one.rooted for one in block.branches)
    return Branch((pool,), frozenset({pool} if rooted else ()), "centred")


def _whitened(branch: Branch, width: int, spread: float = SPREAD) -> Branch:
    return replace(branch, method="whitened", width=width, spread=spread)


def main() -> None:
    """Print a row a step: mAP, and with the query expanded by ten, and how many numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("labels", type=Path, help="a CSV with path (or key) and label columns")
    parser.add_argument("column")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--attribute", choices=("color", "texture"), required=True)
    given = parser.parse_args()
    label = read_labels(given.labels, given.column)
    store = LocalStore(given.index)
    items = [item for item in store.items() if item.key in label]
    labels = np.array([label[item.key] for item in items])
    slots = np.array([item.slot for item in items], np.int64)
    rows = color_rows if given.attribute == "color" else texture_rows
    for name, space in rows(store.manifest):
        raw: RawPools = store.pools(slots, space.pools)
        vectors = space.fitted(lambda raw=raw: [raw]).transform(raw)
        score = mean_average_precision(vectors, labels)
        moved = mean_average_precision(vectors, labels, expanded(vectors, 10))
        print(f"{name:45} mAP {score:.3f}, expanded {moved:.3f}, {vectors.shape[1]:4} numbers")
    store.close()


if __name__ == "__main__":
    main()
