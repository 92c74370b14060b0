"""Writing to an index: pictures first, then pools, then the one commit that makes them real."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from indexer.catalog import Catalog
from indexer.database import full_disk_errors
from indexer.engine import Batch, Embedded, Unreadable
from indexer.errors import ChangedError, ColumnTypeError, UnknownKeyError
from indexer.lock import WriterLease
from indexer.media import Media, is_media, media_source
from indexer.pools import PoolStore
from indexer.records import Failure, Item
from indexer.sources import Metadata
from indexer.spaces import iterate
from models.errors import shorten

Expected = Mapping[str, Item | None]
"""Items as a write takes them to be, by key; None: there is none."""
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "text"}


class Writer:
    """Writes items. Threads take turns, and so do processes; on return all is on the disk."""

    def __init__(
        self,
        catalog: Catalog,
        pools: PoolStore,
        media: Media,
        lease: WriterLease,
        patience_s: float,
    ) -> None:
        """Other processes are waited for up to ``patience_s``."""
        self._catalog, self._pools, self._media = catalog, pools, media
        self._lease, self._patience_s = lease, patience_s
        self._turn = Lock()

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns and index those named."""
        with self.writing(), self._catalog.transaction():
            self._catalog.put_columns(columns, indexed)

    def add(self, batch: Batch, expected: Expected | None = None) -> list[Item]:
        """Store a batch under the next free slots, as one step; return its items.

        Rows lie in the pool files, synced, before the commit that makes them real; so do
        originals that the index keeps itself. Raises ChangedError, and writes nothing, unless all
        is as ``expected``.
        """
        with self.writing():
            self._check(expected)
            before = self._catalog.items_of([one.work.entry.key for one in batch.embedded])
            try:
                items = self._store(batch, before)
                with self._catalog.transaction():
                    self._catalog.put(items)
                    self._catalog.put_failures(_failure(one) for one in batch.unreadable)
            except BaseException:
                self._drop_media(_kept_by(batch))
                raise
            self._drop_media(item.source for item in before.values())
            return items

    def relabel(
        self, changes: Mapping[str, Metadata], expected: Expected | None = None
    ) -> list[Item]:
        """Give items other metadata; return them as they are now.

        Changes nothing if it raises UnknownKeyError because a key is unknown, or ChangedError
        because something is not as ``expected``.
        """
        with self.writing(), self._catalog.transaction():
            self._check(expected)
            found = self._catalog.items_of(list(changes))
            for key in changes:
                if key not in found:
                    raise UnknownKeyError(f"no item has the key {shorten(key)!r}")
            items = [replace(found[key], metadata=new) for key, new in changes.items()]
            self._catalog.put(items)
            return items

    def remove(self, keys: Sequence[str], expected: Expected | None = None) -> int:
        """Remove items and the originals that the index keeps of them; return how many.

        Raises ChangedError, and removes nothing, unless all is as ``expected``.
        """
        with self.writing():
            self._check(expected)
            found = self._catalog.items_of(keys)
            with self._catalog.transaction():
                self._catalog.remove(keys)
            self._drop_media(item.source for item in found.values())
        return len(found)

    def seal(self) -> None:
        """Note the checksums of pools that have none, being from an older release."""
        with self.writing():
            for run in iterate(self._catalog.unsealed()):
                checksums = self._pools.checksums(run)
                items = self._catalog.items_in(run.tolist())
                found = zip(run.tolist(), checksums, strict=True)
                with self._catalog.transaction():
                    self._catalog.put(
                        replace(items[slot], checksums=row.tobytes()) for slot, row in found
                    )

    def empty_pools(self) -> None:
        """Give back the room that raw pools of items took that are gone since the generation before
        this, so that views of that one still answer as they did; forget old changes."""
        with self.writing():
            slots, change = self._catalog.gone_with_pools()
            self._pools.empty(slots)
            with self._catalog.transaction():
                self._catalog.note_emptied(change)
                self._catalog.forget_changes()

    def sweep(self) -> None:
        """Remove originals that no item needs, left by a crash."""
        # Looked for beside those who write, and looked at again in turn with them.
        for source in self._media.orphans(self._catalog.holds):
            self.release([source])

    def release(self, sources: Iterable[str]) -> None:
        """Remove those of these originals that no item needs any more."""
        with self.writing():
            self._drop_media(sources)

    def declare(self, metadata: Iterable[Metadata]) -> None:
        """Record columns that ``metadata`` is the first to have, and widen integer to number.

        Raises ColumnTypeError for a value that does not fit its column.
        """
        metadata = list(metadata)
        if not self._undeclared(metadata):
            return
        with self.writing(), self._catalog.transaction():
            # Looked for again: somebody else may have been the first meanwhile.
            self._catalog.put_columns(self._undeclared(metadata), ())

    def _undeclared(self, metadata: Iterable[Metadata]) -> dict[str, str]:
        """Return the columns that are to be recorded, or to be of another type."""
        known = {name: kind for name, (kind, _) in self._catalog.columns().items()}
        found = dict(known)
        for one in metadata:
            for name, value in one.items():
                if value is not None:
                    found[name] = _joined(name, found.get(name), value)
        return {name: kind for name, kind in found.items() if known.get(name) != kind}

    def _check(self, expected: Expected | None) -> None:
        """Raise ChangedError unless all is as ``expected``; for who has the turn."""
        found = self._catalog.items_of(list(expected or ()))
        for key, item in (expected or {}).items():
            if found.get(key) != item:
                raise ChangedError(f"item {shorten(key)!r} was changed meanwhile")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the turn among threads and processes within the body, which writes.

        Raises IndexBusyError, ReadOnlyError, IndexFolderError or DiskFullError.
        """
        no_room = full_disk_errors(self._catalog.path.parent)
        with self._lease.held(self._patience_s), self._turn, no_room:
            yield

    def _store(self, batch: Batch, before: Mapping[str, Item]) -> list[Item]:
        """Write originals and pools of a batch; return its items, which are not real yet."""
        start = self._catalog.next_slot()
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        for one in batch.embedded:
            if one.original is not None:
                self._media.put(one.digest, one.original)
        items = [
            _item(one, start + at, now, before.get(one.work.entry.key))
            for at, one in enumerate(batch.embedded)
        ]
        if not items or batch.pools is None:
            return items
        checksums = self._pools.write(start, batch.pools)
        found = zip(items, checksums, strict=True)
        return [replace(item, checksums=row.tobytes()) for item, row in found]

    def _drop_media(self, sources: Iterable[str]) -> None:
        """Remove those of these files that no item needs any more."""
        for source in {one for one in sources if is_media(one)}:
            if not self._catalog.holds(source):
                self._media.remove(source)


def _kept_by(batch: Batch) -> list[str]:
    return [_source(one) for one in batch.embedded if one.original is not None]


def _source(one: Embedded) -> str:
    if one.original is not None:
        return media_source(one.digest, one.original)
    return str(one.work.entry.path)


def _item(one: Embedded, slot: int, now: str, before: Item | None) -> Item:
    entry = one.work.entry
    return Item(
        key=entry.key,
        version=before.version + 1 if before else 1,
        slot=slot,
        source=_source(one),
        digest=one.digest,
        size=one.size,
        mtime_ns=one.work.mtime_ns or 0,
        metadata=entry.metadata,
        added=now,
        palette=one.palette,
    )


def _joined(name: str, kind: str | None, value: object) -> str:
    """Return the type of a column that is to hold ``value``, too."""
    found = _TYPES[type(value)]
    if kind is None or found == kind or (kind, found) == ("number", "integer"):
        return kind or found
    if (kind, found) == ("integer", "number"):
        return "number"
    raise ColumnTypeError(
        f"metadata {name!r} is {shorten(str(value))!r}: the column's type is {kind}, not {found}"
    )


def _failure(one: Unreadable) -> Failure:
    work = one.work
    return Failure(work.entry.key, str(work.entry.path), work.size, work.mtime_ns, one.reason)
