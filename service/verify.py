"""Verification: catalog, pools, segments and pictures held against each other."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from indexer.errors import IndexFolderError
from indexer.local import LocalStore, check_derived
from indexer.segments import read_segment
from indexer.spaces import iterate

Tick = Callable[[int, int], None]


def verify(store: LocalStore, *, pictures: bool = False, tick: Tick | None = None) -> Iterator[str]:
    """Yield a line for everything that is off; nothing if all is well.

    With ``pictures`` every picture's bytes are read and compared with the catalog's SHA-256;
    without, files are only looked for. ``tick`` is told how many pictures of how many are done.
    """
    yield from (f"catalog.sqlite: {problem}" for problem in store.catalog.check())
    yield from _pools(store)
    yield from _derived(store)
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
            yield f"pools/{name}: {error}"


def _derived(store: LocalStore) -> Iterator[str]:
    generation = store.manifest.generation
    live = store.catalog.live_slots()
    if generation is None:
        if len(live):
            yield f"no generation: {len(live)} items are in no segment; run the build again"
        return
    covered = set(live[live < generation.slots].tolist())
    for space, files in generation.segments.items():
        found: set[int] = set()
        for file in (*files, generation.references[space]):
            try:
                check_derived(store.folder, file)
                if file.path.endswith(".faiss"):
                    metric = store.manifest.spaces[space].metric
                    found |= set(read_segment(store.folder / file.path, metric).slots.tolist())
            except IndexFolderError as error:
                yield f"{error} (it is made again from raw pools when the index is next opened)"
                found |= covered
        if missing := covered - found:
            yield f"spaces/{space}: {len(missing)} items are in no segment"


def _pictures(store: LocalStore, read: bool, tick: Tick | None) -> Iterator[str]:
    total = store.count()
    for done, item in enumerate(store.items(), start=1):
        path = Path(item.source)
        if not path.is_file():
            yield f"{item.key!r}: its picture {item.source!r} is gone"
        elif read and hashlib.sha256(path.read_bytes()).hexdigest() != item.digest:
            yield f"{item.key!r}: its picture {item.source!r} has changed"
        if tick and (done % 1000 == 0 or done == total):
            tick(done, total)
