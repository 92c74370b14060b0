"""Views of larger catalogs without pictures, and what they must answer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.creation import create_index
from indexer.engine import Batch
from indexer.local import LocalStore, open_for_writing
from indexer.spaces import Metric, Slots, Space
from models.extraction import Vectors
from tests.fakes import manifest
from tests.indexer.batches import random_batch

COUNT, NEWER = 240, 30
GONE = (3, 77, 239, 241, 268)


@contextmanager
def opened(
    folder: Path, *, index_type: str = "Flat", metric: Metric = "cosine"
) -> Iterator[LocalStore]:
    """Yield a store of 240 items in segments, then 30 newer ones; five of all are deleted.

    An item's column ``price`` is its slot, ``kind`` is even or odd, or missing at every third.
    """
    create_index(folder, manifest(index_type=index_type, metric=metric))
    with open_for_writing(folder) as writer:
        writer.put_columns({"price": "integer", "kind": "text"}, ["price"])
        writer.add(_labelled(random_batch(writer.manifest, _keys(0, COUNT)), 0))
        writer.checkpoint()
        newer = random_batch(writer.manifest, _keys(COUNT, COUNT + NEWER), seed=6)
        writer.add(_labelled(newer, COUNT))
        with writer.catalog.transaction() as db:
            db.executemany("DELETE FROM items WHERE slot = ?", [(slot,) for slot in GONE])
    store = LocalStore(folder)
    try:
        yield store
    finally:
        store.close()


LIVE = np.setdiff1d(np.arange(COUNT + NEWER), GONE)


def _keys(start: int, end: int) -> list[str]:
    return [f"{slot:04}" for slot in range(start, end)]


def _labelled(batch: Batch, start: int) -> Batch:
    embedded = []
    for slot, one in enumerate(batch.embedded, start):
        kind = None if slot % 3 == 0 else ("even", "odd")[slot % 2]
        entry = replace(one.work.entry, metadata={"price": slot, "kind": kind})
        embedded.append(replace(one, work=replace(one.work, entry=entry)))
    return replace(batch, embedded=embedded)


def spaces(store: LocalStore) -> list[Space]:
    """All spaces, as the newest view has them."""
    return list(store.view().manifest.spaces.values())


def random_queries(store: LocalStore, space: Space, count: int = 3) -> Vectors:
    """Vectors such as items have in a space."""
    random = np.random.default_rng(8)
    pools = {
        name: random.random((count, store.manifest.pools[name]), np.float32) for name in space.pools
    }
    return space.transform(pools)


def similarities_by_hand(
    store: LocalStore, space: Space, query: Vectors, slots: Slots
) -> np.ndarray:
    """(n,) similarities of ``slots``, out of raw pools and in doubles."""
    vectors = space.transform(store.pools(slots, space.pools)).astype(np.float64)
    if space.metric == "l2":
        return -np.linalg.norm(vectors - query, axis=1)
    return vectors @ query.astype(np.float64)


def check_nearest(
    store: LocalStore, space: Space, queries: Vectors, k: int, among: Iterable[int], view: object
) -> None:
    """Check that ``view`` finds exactly the ``k`` nearest of ``among``."""
    slots = np.array(sorted(among), np.int64)
    for query, found in zip(queries, view.search(space, queries, k), strict=True):  # type: ignore[attr-defined]
        expected = similarities_by_hand(store, space, query, slots)
        order = np.argsort(-expected, kind="stable")[:k]
        np.testing.assert_array_equal(found.slots, slots[order], err_msg=space.name)
        np.testing.assert_allclose(found.similarities, expected[order], atol=1e-3)
        assert found.exact
