"""Large indexes without pictures: independent random vectors in color and in texture."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from indexer.creation import create_index
from indexer.local import open_for_writing
from indexer.manifest import Manifest
from indexer.presets import get_preset, lay_out
from indexer.records import Item
from indexer.spaces import simple_space
from models.backbones import get_backbone
from models.extraction import PoolName, RawPools
from models.preprocess import Preprocess
from models.recipe import Recipe

_RUN = 20_000
ATTRIBUTES = {"color": PoolName(1, "foreground"), "texture": PoolName(2, "gap")}


def make_index(folder: Path, items: int, index_type: str) -> None:
    """Make an index of ``items`` random items, with metadata columns of known selectivity.

    The backbone is resnet18, color its block 1 and texture its block 2, centred: 64 numbers each,
    independent of each other. What a search costs is then mostly its own.
    """
    backbone = get_backbone("resnet18")
    recipe = Recipe("resnet18", "none", "0" * 64, backbone.mean, backbone.std, Preprocess())
    layout = lay_out(get_preset("default"), backbone, (1, 2), "cosine")
    widths = {pool: backbone.channels[pool.block - 1] for pool in layout.pools}
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        preset="default",
        recipe=recipe,
        blocks=(1, 2),
        pools=widths,
        pool_format="float16",
        spaces={space.name: space for space in layout.spaces},
        attributes=layout.attributes,
        index_type=index_type,
    ).with_attributes(
        {
            name: simple_space(name, (pool,), root=True, centre=True, metric="cosine")
            for name, pool in ATTRIBUTES.items()
        }
    )
    create_index(folder, manifest)
    random = np.random.default_rng(0)
    with open_for_writing(folder) as store:
        store.put_columns({"percent": "integer", "name": "text"}, ["percent", "name"])
        for start in range(0, items, _RUN):
            count = min(_RUN, items - start)
            # The root of a pool is normal around 3, so that centred vectors point anywhere.
            raw: RawPools = {
                pool: np.maximum(3 + random.standard_normal((count, width)), 0).astype(np.float32)
                ** 2
                for pool, width in widths.items()
            }
            store.shop.pools.write(start, raw)
            percents = random.integers(0, 100, count).tolist()
            with store.catalog.transaction():
                store.catalog.put(
                    [make_item(start + at, percent) for at, percent in enumerate(percents)]
                )
        store.checkpoint()


def make_item(slot: int, percent: int | None = None) -> Item:
    """Return an item of which a known share has each value; by default no value hangs together
    with the slot's vector."""
    percent = slot * 37 % 100 if percent is None else percent
    metadata = {"percent": percent, "name": f"name {percent:02}"}
    return Item(
        key=f"{slot:08}",
        version=1,
        slot=slot,
        source=f"/nowhere/{slot:08}.jpg",
        digest="0" * 64,
        size=1,
        mtime_ns=1,
        metadata=metadata,
        added="2026-01-01T00:00:00.000+00:00",
        palette=(),
    )
