"""Verification: manifest, catalog, pools, segments and pictures held against each other."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from indexer.errors import IndexFolderError
from indexer.files import digest_file
from indexer.loading import check_derived
from indexer.local import LocalStore
from indexer.lock import undisturbed
from indexer.manifest import DerivedFile, Generation
from indexer.manifest_file import check_copy, check_manifest, read_manifest
from indexer.media import is_media
from indexer.networks import check_networks
from indexer.records import Item
from indexer.segments import read_segment
from indexer.spaces import Slots, iterate
from models.extraction import PoolName

_ROUNDS = 5
Tick = Callable[[int, int], None]


def verify(
    folder: Path, *, pictures: bool = False, sources: bool = True, tick: Tick | None = None
) -> Iterator[str]:
    """Yield a line for everything that is off in an index; nothing if all is well.

    With ``pictures`` every picture's bytes are read and compared with the catalog's SHA-256;
    without, files are only looked for; unless ``sources``, only those that the index keeps itself
    are, and read. ``tick`` is told how many pictures of how many are done.
    Nothing is written, and the index may be in use. Raises IndexFolderError if it cannot be read
    at all.
    """
    if fault := check_manifest(folder):
        yield f"{fault} (the catalog's copy of it is taken when the index is next opened)"
    with closing(LocalStore(folder, read_only=True)) as store:
        problems = store.catalog.check()
        yield from (f"catalog.sqlite: {problem}" for problem in problems)
        if problems:  # nothing can be held against a catalog that cannot be read
            return
        if fault := check_copy(store.catalog):
            yield f"catalog.sqlite: {fault} (it is written again with the next generation)"
        for problem in store.feedback.check():
            yield f"catalog.sqlite: {problem}"
        yield from check_networks(folder, store.manifest.recipe)
        yield from _pools(store)
        yield from _derived(store)
        yield from _media(store)
        yield from _pictures(store, pictures, sources, tick)


def damaged_pools(store: LocalStore) -> Iterator[tuple[Item, str]]:
    """Yield items whose raw pools are not what was written, and what is wrong with them."""
    live = store.catalog.live_slots()
    lost = set(live.tolist())
    for name, rows in ((str(name), file.rows()) for name, file in store.pool_files.items()):
        for item in _items(store, live[live >= rows]):
            if item.slot in lost:
                lost.discard(item.slot)
                yield item, f"pools/{name} has {rows} rows, and its row is {item.slot}"
    there = live[live < min(file.rows() for file in store.pool_files.values())]
    for run in iterate(there):
        bad = {slot: f"pools/{_named(names)} is damaged" for slot, names in store.damaged(run)}
        bad |= {slot: f"pools/{name} is not finite" for slot, name in _not_finite(store, run)}
        for item in _items(store, np.array(sorted(bad), np.int64)):
            yield item, bad[item.slot]


def _not_finite(store: LocalStore, run: Slots) -> Iterator[tuple[int, PoolName]]:
    for name in store.manifest.pools:
        vectors = store.pools(run, [name])[name]
        for slot in run[~np.isfinite(vectors).all(axis=1)].tolist():
            yield slot, name


def _named(names: list[PoolName]) -> str:
    return ", ".join(map(str, names))


def _items(store: LocalStore, slots: Slots) -> Iterator[Item]:
    for run in iterate(slots):
        yield from store.items_in(run.tolist()).values()


def _pools(store: LocalStore) -> Iterator[str]:
    try:
        for item, fault in damaged_pools(store):
            yield f"{item.key!r}: {fault} (`hueweave verify --repair` reads its picture again)"
    except (IndexFolderError, OSError) as error:
        yield f"pools: {error}"


def _derived(store: LocalStore) -> Iterator[str]:
    """Yield what is off in the newest generation; files of one that was replaced while they were
    looked at are gone, and nothing is off."""
    for _ in range(_ROUNDS):
        generation = read_manifest(store.folder, read_only=True).generation
        if generation is None:
            return
        problems = [*_references(store, generation), *_segments(store, generation)]
        if read_manifest(store.folder, read_only=True).generation == generation:
            yield from problems
            return
    yield "spaces: generations are made faster than they can be looked at"


def _references(store: LocalStore, generation: Generation) -> Iterator[str]:
    for file in generation.references.values():
        yield from _off(store, file)


def _segments(store: LocalStore, generation: Generation) -> Iterator[str]:
    live = store.catalog.live_slots()
    covered = live[live < generation.slots]
    for space, files in generation.segments.items():
        problems = [off for one in files for file in one.files for off in _off(store, file)]
        yield from problems
        if problems:
            continue
        metric = store.manifest.spaces[space].metric
        held = [read_segment(store.folder / file.path, metric).slots for file in files]
        missing = int((~np.isin(covered, np.concatenate([covered[:0], *held]))).sum())
        if missing:
            yield f"spaces/{space}: {missing} items are in no segment"


def _off(store: LocalStore, file: DerivedFile) -> Iterator[str]:
    try:
        check_derived(store.folder, file)
    except IndexFolderError as error:
        yield f"{error} (it is made again from raw pools when the index is next opened)"


def _media(store: LocalStore) -> Iterator[str]:
    found = [*store.media.orphans(store.catalog.holds)]
    if not found:
        return
    with undisturbed(store.folder) as quiet:
        # Of whoever is writing it may be the picture that is about to be an item.
        lost = [one for one in found if not store.catalog.holds(one)] if quiet else []
        there = [source for source in lost if store.media.locate(source).exists()]
    for source in there:
        yield f"{source}: no item needs it (a server or `hueweave verify --repair` removes it)"


def _pictures(store: LocalStore, read: bool, sources: bool, tick: Tick | None) -> Iterator[str]:
    total = store.count()
    for done, item in enumerate(store.items(), start=1):
        own = is_media(item.source)
        fault = _fault(store, item, read or not sources) if own or sources else None
        if fault and store.item(item.key) == item:  # and was not just removed or replaced
            yield f"{item.key!r}: its picture {item.source!r} {fault}"
        if tick and (done % 1000 == 0 or done == total):
            tick(done, total)


def _fault(store: LocalStore, item: Item, read: bool) -> str | None:
    try:
        path = store.locate(item)
        if not path.is_file():
            return "is lost" if is_media(item.source) else "is gone"
        return "has changed" if read and digest_file(path) != item.digest else None
    except IndexFolderError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
