"""The build: a source into an index, resumable at any batch."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.catalog import Failure, Item
from indexer.engine import Batch, Embedded, Engine, Unreadable
from indexer.errors import BuildFailedError
from indexer.local import LocalStore
from indexer.lock import writer_lock
from indexer.sources import Source
from indexer.staging import Plan, Staging
from indexer.watching import Watcher
from models.errors import UnknownNameError
from models.extraction import Extractor

_LISTED = 1000


@dataclass(frozen=True)
class BuildOptions:
    """How to go about a build, apart from what the index itself fixes."""

    strict: bool = False
    prune: bool = False
    retry_failed: bool = False
    indexed_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildReport:
    """What a build did. ``failures`` and ``vanished`` list the first thousand at most."""

    plan: Plan
    embedded: int
    pruned: int
    items: int
    failure_count: int
    failures: tuple[Failure, ...]
    vanished: tuple[str, ...]


def build(
    folder: Path,
    source: Source,
    engine: Engine,
    extractor: Callable[[], Extractor],
    options: BuildOptions | None = None,
    watcher: Watcher | None = None,
) -> BuildReport:
    """Bring the index in ``folder`` up to ``source`` and return what was done.

    ``extractor`` is called only if there is something to embed. Raises SourceError for a
    malformed source, BuildFailedError if no picture at all could be read (or, when strict, at
    the first that could not), IndexBusyError if another process is writing.
    """
    watcher, options = watcher or Watcher(), options or BuildOptions()
    check_columns(source, options.indexed_columns)
    with writer_lock(folder):
        store = LocalStore(folder, writable=True)
        try:
            return _build(store, source, engine, extractor, options, watcher)
        finally:
            store.close()


def _build(
    store: LocalStore,
    source: Source,
    engine: Engine,
    extractor: Callable[[], Extractor],
    options: BuildOptions,
    watcher: Watcher,
) -> BuildReport:
    staging = Staging(store.catalog)
    # Strict fails on what failed before, too: to pass a second time would be no strictness.
    retry = options.retry_failed or options.strict
    plan = staging.fill(source, retry=retry, tick=watcher.scanned)
    watcher.planned(plan)
    with store.catalog.transaction():
        store.catalog.put_columns(source.columns, options.indexed_columns)
    staging.relabel()
    embedded = failed = 0
    for batch in engine.run(staging.work(), extractor, list(store.manifest.pools)):
        commit(store, batch)
        embedded, failed = embedded + len(batch.embedded), failed + len(batch.unreadable)
        watcher.advanced(embedded + failed, failed)
        if options.strict and batch.unreadable:
            first = batch.unreadable[0]
            raise BuildFailedError(f"{first.work.entry.key!r} cannot be read: {first.reason}")
    vanished = tuple(staging.vanished(limit=_LISTED))
    pruned = staging.prune() if options.prune else 0
    if store.stale:
        watcher.indexing()
        store.checkpoint()
    items = store.count()
    if not items:
        failures = store.failures(limit=1)
        reason = f"; {failures[0].key!r}: {failures[0].reason}" if failures else ""
        raise BuildFailedError(f"none of the {plan.total} pictures could be read{reason}")
    return BuildReport(
        plan=plan,
        embedded=embedded,
        pruned=pruned,
        items=items,
        failure_count=store.failure_count(),
        failures=tuple(store.failures(limit=_LISTED)),
        vanished=vanished,
    )


def commit(store: LocalStore, batch: Batch) -> None:
    """Store a batch under the next free slots, in one transaction."""
    start = store.catalog.next_slot()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    items = [_item(store, one, start + offset, now) for offset, one in enumerate(batch.embedded)]
    store.add(items, batch.pools, [_failure(one) for one in batch.unreadable])


def _item(store: LocalStore, one: Embedded, slot: int, now: str) -> Item:
    entry = one.work.entry
    before = store.item(entry.key)
    return Item(
        key=entry.key,
        version=before.version + 1 if before else 1,
        slot=slot,
        source=str(entry.path),
        digest=one.digest,
        size=one.size,
        mtime_ns=one.work.mtime_ns or 0,
        metadata=entry.metadata,
        added=now,
    )


def _failure(one: Unreadable) -> Failure:
    work = one.work
    return Failure(work.entry.key, str(work.entry.path), work.size, work.mtime_ns, one.reason)


def check_columns(source: Source, names: tuple[str, ...]) -> None:
    """Raise UnknownNameError if one of ``names`` is no metadata column of ``source``."""
    for name in names:
        if name not in source.columns:
            raise UnknownNameError("metadata column", name, source.columns)
