"""Batches without pictures, and builds with an extractor of the test's own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.build import BuildReport, build
from indexer.engine import Batch, Embedded, Original, Unreadable
from indexer.local import open_for_writing
from indexer.local_engine import LocalEngine
from indexer.manifest import Manifest
from indexer.sources import Entry, open_source
from indexer.staging import Work
from models.extraction import Extractor
from models.images import Limits
from tests.fakes import SMALL


def work(key: str) -> Work:
    return Work(Entry(key, Path("/pictures", key)), 7, 7)


def random_batch(
    manifest: Manifest, keys: Sequence[str], seed: int = 5, unreadable: Sequence[str] = ()
) -> Batch:
    """Return a batch of ``keys`` with random pools, and of some that could not be read."""
    random = np.random.default_rng(seed)
    pools = {
        name: random.random((len(keys), width)).astype(np.float32)
        for name, width in manifest.pools.items()
    }
    return Batch(
        [Embedded(work(key), "0" * 64, 7, ()) for key in keys],
        [Unreadable(work(key), "why") for key in unreadable],
        pools if keys else None,
    )


def kept_batch(manifest: Manifest, keys: Sequence[str], seed: int = 5) -> Batch:
    """Return a batch whose originals the index keeps: texts, each of its own."""
    batch = random_batch(manifest, keys, seed)
    embedded = []
    for one in batch.embedded:
        data = f"{one.work.entry.key} of {seed}".encode()
        digest = hashlib.sha256(data).hexdigest()
        original = Original(data, ".txt")
        embedded.append(replace(one, digest=digest, size=len(data), original=original))
    return replace(batch, embedded=embedded)


def run_with(index: Path, source: Path, extractor: Callable[[], Extractor]) -> BuildReport:
    engine = LocalEngine(SMALL, Limits(), batch_size=4, threads=2)
    with open_for_writing(index) as store:
        return build(store, open_source(str(source), index=index), engine, extractor)


def never() -> Extractor:
    raise AssertionError("there is nothing to embed")
