"""Vectors like those of real pictures: their spread falls off alike, and they lie in groups.

Measured on 1,200 photographs of clothes: of block 2 (256 numbers) and block 3 (512) the variance
along principal direction i falls about as (1 + 32 i / d) to the power of -2.6. A normal
distribution of that spread has a local dimension of 16 and 22, the photographs have 10 and 12: they
lie in groups of like ones, and so do these, with 9 and 9.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.synthetic import make_item
from indexer.creation import create_index
from indexer.local import open_for_writing
from indexer.manifest import Manifest
from indexer.planning import Profile
from indexer.presets import get_preset
from indexer.spaces import block_space_name, simple_space, unit
from models.backbones import get_backbone
from models.extraction import PoolName, Vectors
from models.preprocess import Preprocess
from models.recipe import Recipe

RUN = 20_000
POOL = PoolName(1, "gap")
GROUP = 50
# Share of the variance within groups.
_WITHIN = 0.3


def vectors(count: int, dimension: int, seed: int, groups: int) -> Iterator[Vectors]:
    """Yield (n, d) unit vectors in runs, rounded to half precision as an index stores them.

    The ``groups`` are the same for every ``seed``.
    """
    fixed, random = np.random.default_rng(0), np.random.default_rng(seed)
    spread = (1 + np.arange(dimension) / max(8, dimension / 32)) ** -1.3
    turn = np.linalg.qr(fixed.standard_normal((dimension, dimension)))[0]
    turned = (spread[:, None] * turn).astype(np.float32)
    centers = fixed.standard_normal((groups, dimension), np.float32) * _root(1 - _WITHIN)
    for start in range(0, count, RUN):
        size = min(RUN, count - start)
        found = random.standard_normal((size, dimension), np.float32) * _root(_WITHIN)
        found += centers[random.integers(0, groups, size)]
        yield unit(found @ turned).astype(np.float16).astype(np.float32)


def _root(share: float) -> np.float32:
    return np.float32(share**0.5)


def make_index(
    folder: Path,
    items: int,
    dimension: int,
    index_type: str,
    profile: Profile,
    recall: float,
    texture: int = 0,
) -> None:
    """Make an index of ``items`` such vectors of seed 1, which both attributes search in, or of
    others with ``texture`` numbers for texture."""
    backbone = get_backbone("resnet18")
    recipe = Recipe("resnet18", "none", "0" * 64, backbone.mean, backbone.std, Preprocess())
    pools = {POOL: dimension, **({PoolName(2, "gap"): texture} if texture else {})}
    names = [block_space_name(pool.block) for pool in pools]
    spaces = [
        simple_space(name, (pool,), root=False, centre=False, metric="cosine")
        for name, pool in zip(names, pools, strict=True)
    ]
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        preset=get_preset("default").name,
        recipe=recipe,
        blocks=tuple(pool.block for pool in pools),
        pools=pools,
        pool_format="float16",
        spaces={space.name: space for space in spaces},
        attributes={"color": names[0], "texture": names[-1]},
        index_type=index_type,
        profile=profile,
        recall=recall,
    )
    create_index(folder, manifest)
    at = 0
    groups = max(1, items // GROUP)
    runs = zip(*(vectors(items, width, 1, groups) for width in pools.values()), strict=True)
    with open_for_writing(folder) as store:
        store.put_columns({"percent": "integer", "name": "text"}, ["percent", "name"])
        for some in runs:
            count = len(some[0])
            store.shop.pools.write(at, dict(zip(pools, some, strict=True)))
            with store.catalog.transaction():
                store.catalog.put([make_item(slot) for slot in range(at, at + count)])
            at += count
        if items:
            store.checkpoint()
