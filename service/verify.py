"""Verification: catalog, pools, segments and pictures held against each other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from indexer.errors import IndexFolderError
from indexer.files import digest_file
from indexer.loading import check_derived
from indexer.local import LocalStore
from indexer.manifest import DerivedFile, Generation
from indexer.segments import read_segment
from indexer.snapshot import live_mask
from indexer.spaces import iterate

Tick = Callable[[int, int], None]


def verify(store: LocalStore, *, pictures: bool = False, tick: Tick | None = None) -> Iterator[str]:
    """Yield a line for everything that is off; nothing if all is well.

    With ``pictures`` every picture's bytes are read and compared with the catalog's SHA-256;
    without, files are only looked for. ``tick`` is told how many pictures of how many are done.
    """
    problems = store.catalog.check()
    yield from (f"catalog.sqlite: {problem}" for problem in problems)
    if problems:  # nothing can be held against a catalog that cannot be read
        return
    yield from _pools(store)
    generation = store.manifest.generation
    if generation is not None:
        yield from _references(store, generation)
        yield from _segments(store, generation)
    elif store.count():
        yield f"no generation: {store.count()} items are in no segment; run the build again"
    yield from _pictures(store, pictures, tick)


def _pools(store: LocalStore) -> Iterator[str]:
    live = store.catalog.live_slots()
    for name in store.manifest.pools:
        try:
            for slots in iterate(live):
                vectors = store.pools(slots, [name])[name]
                bad = ~np.isfinite(vectors).all(axis=1)
                if bad.any():
                    yield f"pools/{name}: {int(bad.sum())} rows are not finite"
        except (IndexFolderError, OSError) as error:
            yield f"pools/{name}: {error} (the next build reads the pictures again)"


def _references(store: LocalStore, generation: Generation) -> Iterator[str]:
    for file in generation.references.values():
        yield from _off(store, file)


def _segments(store: LocalStore, generation: Generation) -> Iterator[str]:
    live = store.catalog.live_slots()
    covered = live[live < generation.slots]
    for space, files in generation.segments.items():
        problems = [problem for file in files for problem in _off(store, file)]
        yield from problems
        if problems:
            continue
        found = live_mask(covered[:0], generation.slots)
        for file in files:
            path, metric = store.folder / file.path, store.manifest.spaces[space].metric
            found[read_segment(path, metric).slots] = True
        if not found[covered].all():
            missing = int((~found[covered]).sum())
            yield f"spaces/{space}: {missing} items are in no segment"


def _off(store: LocalStore, file: DerivedFile) -> Iterator[str]:
    try:
        check_derived(store.folder, file)
    except IndexFolderError as error:
        yield f"{error} (it is made again from raw pools when the index is next opened)"


def _pictures(store: LocalStore, read: bool, tick: Tick | None) -> Iterator[str]:
    total = store.count()
    for done, item in enumerate(store.items(), start=1):
        if fault := _fault(Path(item.source), item.digest if read else None):
            yield f"{item.key!r}: its picture {item.source!r} {fault}"
        if tick and (done % 1000 == 0 or done == total):
            tick(done, total)


def _fault(path: Path, digest: str | None) -> str | None:
    try:
        if not path.is_file():
            return "is gone"
        return "has changed" if digest and digest_file(path) != digest else None
    except OSError as error:
        return f"cannot be read: {error.strerror}"
