"""What catalogs, views and indexes hold: items to put in, and all there is to compare two."""

from pathlib import Path

import numpy as np

from indexer.catalog import Catalog
from indexer.local import LocalStore, LocalView
from indexer.records import Item
from models.dominant import Dominant


def contents(index: Path) -> dict[str, object]:
    """All that must not depend on how a build went: items without their times, files by digest."""
    store = LocalStore(index)
    generation = store.manifest.generation
    assert generation is not None
    found = {
        "items": [
            (i.key, i.version, i.slot, i.digest, i.metadata, i.palette) for i in store.items()
        ],
        "failures": store.failures(),
        "pools": {path.name: path.read_bytes() for path in sorted((index / "pools").iterdir())},
        "segments": {
            name: [file.sha256 for file in files] for name, files in generation.segments.items()
        },
        "references": {name: file.sha256 for name, file in generation.references.items()},
        "spaces": store.manifest.spaces,
        "slots": (generation.slots, generation.vectors, generation.statistics_items),
    }
    store.close()
    return found


def item(key: str, slot: int, **changes: object) -> Item:
    values = {
        "version": 1,
        "source": f"/pictures/{slot}",
        "digest": f"{slot:064x}",
        "size": 7,
        "mtime_ns": 2**62,
        "metadata": {},
        "added": "2026-01-01T00:00:00.000+00:00",
        "palette": (Dominant(0.7, "#7a1f2b", "red"), Dominant(0.3, "#1b1b1e", "black")),
    }
    return Item(key=key, slot=slot, **(values | changes))  # type: ignore[arg-type]


def put(catalog: Catalog, *items: Item) -> None:
    with catalog.transaction():
        catalog.put(items)


def found(view: LocalView, attribute: str = "color") -> list[int]:
    """The slots that a search for everything finds, rising."""
    space = view.manifest.space_of_attribute(attribute)
    queries = np.ones((1, view.manifest.dimension(space)), np.float32)
    return sorted(view.search(space, queries, 1000)[0].slots.tolist())


def answers(view: LocalView) -> dict[str, list[object]]:
    """What each space of a view answers to the same queries, and its sample."""
    answered: dict[str, list[object]] = {}
    for name, space in view.manifest.spaces.items():
        width = view.manifest.dimension(space)
        queries = np.random.default_rng(1).random((3, width)).astype(np.float32)
        matches = view.search(space, queries, 12)
        answered[name] = [(m.slots.tolist(), m.similarities.tolist()) for m in matches]
        answered[f"{name} sample"] = view.reference(space).tolist()
    return answered
