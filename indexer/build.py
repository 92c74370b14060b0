"""The build: a source into an index, resumable at any batch."""

from collections.abc import Callable
from dataclasses import dataclass

from indexer.engine import Engine
from indexer.errors import BuildFailedError
from indexer.records import Failure
from indexer.sources import Source
from indexer.staging import Plan
from indexer.store import CatalogStore
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
    store: CatalogStore,
    source: Source,
    engine: Engine,
    extractor: Callable[[], Extractor],
    options: BuildOptions | None = None,
    watcher: Watcher | None = None,
) -> BuildReport:
    """Bring ``store``, opened for writing, up to ``source`` and return what was done.

    ``extractor`` is called only if there is something to embed. Raises SourceError for a
    malformed source, BuildFailedError if no picture at all could be read or, when strict, at the
    first that could not: what was stored by then stays, and can be searched.
    """
    watcher, options = watcher or Watcher(), options or BuildOptions()
    check_columns(source, options.indexed_columns)
    # Strict fails on what failed before, too: to pass a second time would be no strictness.
    retry = options.retry_failed or options.strict
    staged = store.stage(source, retry=retry, tick=watcher.scanned)
    watcher.planned(staged.plan)
    store.put_columns(source.columns, options.indexed_columns)
    staged.relabel()
    embedded = failed = 0
    refused = None

    def fastest() -> Extractor:
        from models.compiled import for_many  # torch takes a second to import

        # By all the source has: a build that was stopped must go on with the same numbers.
        return for_many(extractor(), staged.plan.total)

    for batch in engine.run(staged.work(), fastest, list(store.manifest.pools)):
        store.add(batch)
        embedded, failed = embedded + len(batch.embedded), failed + len(batch.unreadable)
        watcher.advanced(embedded + failed, failed)
        if options.strict and batch.unreadable:
            refused = batch.unreadable[0]
            break
    vanished = tuple(staged.vanished(limit=_LISTED))
    pruned = staged.prune() if options.prune and not refused else 0
    store.checkpoint(watcher.indexing)
    if refused:
        raise BuildFailedError(f"{refused.work.entry.key!r} cannot be read: {refused.reason}")
    _check_not_empty(store, staged.plan)
    return BuildReport(
        plan=staged.plan,
        embedded=embedded,
        pruned=pruned,
        items=store.count(),
        failure_count=store.failure_count(),
        failures=tuple(store.failures(limit=_LISTED)),
        vanished=vanished,
    )


def check_columns(source: Source, names: tuple[str, ...]) -> None:
    """Raise UnknownNameError if one of ``names`` is no metadata column of ``source``."""
    for name in names:
        if name not in source.columns:
            raise UnknownNameError("metadata column", name, source.columns)


def _check_not_empty(store: CatalogStore, plan: Plan) -> None:
    if store.count():
        return
    failures = store.failures(limit=1)
    reason = f"; {failures[0].key!r}: {failures[0].reason}" if failures else ""
    raise BuildFailedError(
        f"none of the {plan.total} pictures could be read{reason} "
        "(`hueweave info --failures` lists them all)"
    )
