"""Repair: what is off in an index made good, as far as the catalog and the pictures allow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from indexer.engine import Batch, Original
from indexer.local import LocalStore, open_for_writing
from indexer.local_engine import LocalEngine
from indexer.media import is_media
from indexer.records import Item
from indexer.sources import Entry
from indexer.staging import Work
from models.extraction import Extractor
from service.opening import index_folder, limits, pinned_extractor
from service.settings import Settings
from service.verify import damaged_pools

if TYPE_CHECKING:
    from models.download import Progress


@dataclass(frozen=True)
class Repaired:
    """How many items were embedded again, and those that could not be, with the reason."""

    embedded: int
    failed: tuple[tuple[str, str], ...]


def repair(store: LocalStore, engine: LocalEngine, extractor: Callable[[], Extractor]) -> Repaired:
    """Embed items again whose pools are damaged, if their pictures are still what they were;
    make damaged derived files again, and remove what a crash left behind.

    ``store`` holds the lock. ``extractor`` is called only if there is something to embed.
    """
    store.view()  # derived files are healed as they are loaded
    store.sweep()
    damaged = {item.key: item for item, _ in damaged_pools(store)}
    work = [_work(store, item) for item in damaged.values()]
    failed: list[tuple[str, str]] = []
    embedded = 0
    for batch in engine.run(work, extractor, list(store.manifest.pools)):
        failed += [(one.work.entry.key, one.reason) for one in batch.unreadable]
        same = _unchanged(batch, damaged)
        failed += [
            (one.work.entry.key, "its picture is another than was indexed")
            for one in batch.embedded
            if damaged[one.work.entry.key].digest != one.digest
        ]
        store.add(_with_originals(store, same, damaged))
        embedded += len(same.embedded)
    if embedded:
        store.rebuild()
    return Repaired(embedded, tuple(failed))


def repair_index(settings: Settings, progress: "Progress | None" = None) -> Repaired:
    """Repair the index that ``settings`` name; raises IndexBusyError while others write to it."""
    with open_for_writing(index_folder(settings)) as store:
        manifest = store.manifest
        engine = LocalEngine(manifest.recipe.preprocess, limits(settings))
        return repair(store, engine, lambda: pinned_extractor(manifest, settings, progress))


def _work(store: LocalStore, item: Item) -> Work:
    return Work(Entry(item.key, store.locate(item), item.metadata), item.size, item.mtime_ns)


def _unchanged(batch: Batch, items: dict[str, Item]) -> Batch:
    """Return a batch of the pictures that are still what the catalog says, and of no failures:
    an item whose picture is gone is still an item."""
    rows = [
        at
        for at, one in enumerate(batch.embedded)
        if items[one.work.entry.key].digest == one.digest
    ]
    pools = None if batch.pools is None else {n: some[rows] for n, some in batch.pools.items()}
    return Batch([batch.embedded[at] for at in rows], (), pools)


def _with_originals(store: LocalStore, batch: Batch, items: dict[str, Item]) -> Batch:
    """Return a batch in which what the index keeps itself stays with it."""
    embedded = []
    for one in batch.embedded:
        item = items[one.work.entry.key]
        if is_media(item.source):
            path = store.locate(item)
            one = replace(one, original=Original(path.read_bytes(), path.suffix))
        embedded.append(one)
    return replace(batch, embedded=embedded)
