"""What a build has to do: the source held against the catalog, in temporary tables on disk.

Nothing here grows with the source in memory: SQLite spills its temporary tables to files.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.catalog import Catalog
from indexer.database import sqlite_errors
from indexer.errors import SourceError
from indexer.files import digest_file
from indexer.records import metadata_text, sealed
from indexer.sources import Entry, Source

_TABLES = """
DROP TABLE IF EXISTS temp.staged;
CREATE TEMP TABLE staged (
    key TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, path TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, metadata TEXT NOT NULL, problem TEXT,
    state TEXT NOT NULL DEFAULT 'new'
) WITHOUT ROWID;
"""
_CLASSIFY = """
UPDATE staged SET state = CASE
    WHEN staged.size IS NULL AND staged.problem IS NULL THEN 'missing'
    WHEN items.size IS NOT staged.size OR items.mtime_ns IS NOT staged.mtime_ns
      OR items.palette IS NULL OR staged.problem IS NOT NULL THEN 'changed'
    WHEN items.metadata <> staged.metadata OR items.source <> staged.path THEN 'relabelled'
    ELSE 'unchanged' END
FROM main.items AS items WHERE items.key = staged.key;
"""
# Not what is named but not there: a disk that is not mounted must not empty an index. Nor what did
# not come from a source: pictures that were added one by one.
_VANISHED = (
    "FROM main.items WHERE source NOT GLOB 'media/*' AND key NOT IN (SELECT key FROM staged)"
)
# A picture that could not be read and has not changed since is not tried again.
_KNOWN_FAILURES = """
UPDATE staged SET state = 'failed before'
FROM main.failures AS failures WHERE failures.key = staged.key AND staged.state <> 'missing'
 AND failures.size IS staged.size AND failures.mtime_ns IS staged.mtime_ns
 AND failures.source = staged.path;
"""
_TOUCHED = (
    "SELECT staged.key, staged.path, items.digest FROM staged JOIN main.items USING (key) "
    "WHERE staged.state = 'changed' AND staged.problem IS NULL AND items.size = staged.size "
    "AND items.palette IS NOT NULL AND staged.key > ? ORDER BY staged.key LIMIT 1000"
)
# Originals of pictures that were added one by one, and now are the source's.
_KEPT_BEFORE = (
    "SELECT items.source FROM main.items JOIN staged USING (key) "
    "WHERE items.source GLOB 'media/*' AND staged.state = 'relabelled'"
)
_WORK = (
    "SELECT position, key, path, metadata, problem, size, mtime_ns FROM staged "
    "WHERE state IN ('new', 'changed') AND position > ? ORDER BY position LIMIT 1000"
)


@dataclass(frozen=True)
class Work:
    """A picture to embed. ``size`` and ``mtime_ns`` are None if its file is not there."""

    entry: Entry
    size: int | None
    mtime_ns: int | None


@dataclass(frozen=True)
class Plan:
    """How many entries the source has and what each asks for.

    ``relabelled`` pictures are the same bytes under other metadata, another path or file time.
    ``missing`` ones are items that the source names, but whose file is not there; ``vanished``
    ones it does not name any more.
    """

    total: int
    new: int
    changed: int
    relabelled: int
    unchanged: int
    failed_before: int
    repeated: int
    missing: int
    vanished: int

    @property
    def work(self) -> int:
        """How many pictures there are to embed."""
        return self.new + self.changed


class Staging:
    """The source's entries beside the catalog's items, for one build; implements ``Staged``."""

    def __init__(
        self,
        catalog: Catalog,
        source: Source,
        *,
        retry: bool = False,
        tick: Callable[[int], None] | None = None,
        drop: Callable[[Iterable[str]], None] = lambda sources: None,
    ) -> None:
        """Read the whole source; with ``retry`` pictures that failed before are tried again.

        ``drop`` is told which originals of the index's own no item is left with.

        Raises SourceError for a key that names two different pictures.
        """
        self._catalog = catalog
        self._db = catalog.connection
        self._drop = drop
        self._repeated = 0
        with sqlite_errors(catalog.path):
            self._fill(source, retry, tick)
            self.plan = self._plan()

    def _fill(self, source: Source, retry: bool, tick: Callable[[int], None] | None) -> None:
        self._db.executescript(_TABLES)
        # Only temporary tables are written: a long scan must not keep others from writing.
        with self._catalog.transaction(locks=False):
            for count, entry in enumerate(source.entries(), start=1):
                self._insert(entry, count, source)
                if tick and count % 1000 == 0:
                    tick(count)
            self._db.execute(_CLASSIFY)
            if not retry:
                self._db.execute(_KNOWN_FAILURES)
            self._spare_touched()

    def work(self) -> Iterator[Work]:
        """Yield what is to be embedded, in the source's order."""
        # In pages, so that no cursor stays open across the commits made between them.
        position = -1
        while rows := self._rows(_WORK, (position,)):
            for _, key, path, metadata, problem, size, mtime_ns in rows:
                entry = Entry(key, Path(path), json.loads(metadata), problem)
                yield Work(entry, size, mtime_ns)
            position = rows[-1][0]

    def relabel(self) -> None:
        """Give items whose picture is unchanged the source's metadata, path and file time.

        A picture that failed and now has the bytes it had before is no failure any more.
        """
        kept = [row[0] for row in self._rows(_KEPT_BEFORE, ())]
        with self._catalog.transaction() as db:
            db.execute(
                "DELETE FROM failures WHERE key IN "
                "(SELECT key FROM staged WHERE state IN ('unchanged', 'relabelled'))"
            )
            resealed = sealed(
                metadata="staged.metadata", source="staged.path", mtime_ns="staged.mtime_ns"
            )
            db.execute(
                "UPDATE items SET metadata = staged.metadata, source = staged.path, "
                f"mtime_ns = staged.mtime_ns, seal = {resealed} FROM staged "
                "WHERE items.key = staged.key AND staged.state = 'relabelled'"
            )
        self._drop(kept)

    def vanished(self, limit: int) -> list[str]:
        """Return keys of items that the source no longer names, in order."""
        sql = f"SELECT key {_VANISHED} ORDER BY key LIMIT ?"
        return [row[0] for row in self._rows(sql, (limit,))]

    def prune(self) -> int:
        """Remove items and failures that the source no longer names; return how many items."""
        with self._catalog.transaction() as db:
            db.execute("DELETE FROM failures WHERE key NOT IN (SELECT key FROM staged)")
            return db.execute(f"DELETE {_VANISHED}").rowcount

    def _spare_touched(self) -> None:
        """Take files with a new time but the old bytes out of what is to be embedded."""
        key = ""
        while rows := self._rows(_TOUCHED, (key,)):
            same = [(key,) for key, path, digest in rows if _has_digest(Path(path), digest)]
            self._db.executemany("UPDATE staged SET state = 'relabelled' WHERE key = ?", same)
            key = rows[-1][0]

    def _rows(self, sql: str, values: Sequence[object]) -> list[Any]:
        """Return all rows of a statement on the connection that has the temporary tables."""
        with sqlite_errors(self._catalog.path):
            return self._db.execute(sql, values).fetchall()

    def _insert(self, entry: Entry, position: int, source: Source) -> None:
        size = mtime_ns = None
        if entry.problem is None:
            with suppress(OSError):  # reading it will say why
                stat = os.stat(entry.path)
                size, mtime_ns = stat.st_size, stat.st_mtime_ns
        path = os.path.abspath(_storable(entry.path))
        metadata = metadata_text(entry.metadata)
        done = self._db.execute(
            "INSERT OR IGNORE INTO staged (key, position, path, size, mtime_ns, metadata, problem) "
            "VALUES (?,?,?,?,?,?,?)",
            (entry.key, position, path, size, mtime_ns, metadata, entry.problem),
        )
        if not done.rowcount:
            self._check_repeat(entry, path, metadata, source)

    def _check_repeat(self, entry: Entry, path: str, metadata: str, source: Source) -> None:
        sql = "SELECT path, metadata FROM staged WHERE key = ?"
        first = self._db.execute(sql, (entry.key,)).fetchone()
        if first != (path, metadata):
            raise SourceError(
                f"source {source.name!r} has the key {entry.key!r} twice, for {first[0]!r} and for "
                f"{path!r} or with different metadata: keys must be unique"
            )
        self._repeated += 1

    def _plan(self) -> Plan:
        states = dict(self._db.execute("SELECT state, count(*) FROM staged GROUP BY state"))
        return Plan(
            total=sum(states.values()),
            new=states.get("new", 0),
            changed=states.get("changed", 0),
            relabelled=states.get("relabelled", 0),
            unchanged=states.get("unchanged", 0),
            failed_before=states.get("failed before", 0),
            repeated=self._repeated,
            missing=states.get("missing", 0),
            vanished=self._db.execute(f"SELECT count(*) {_VANISHED}").fetchone()[0],
        )


def _storable(path: Path) -> str:
    """Return ``path`` as text; what no database holds as an escape."""
    return os.fsencode(path).decode(errors="backslashreplace").replace("\0", "\\0")


def _has_digest(path: Path, digest: str) -> bool:
    with suppress(OSError):  # reading it will say why
        return digest_file(path) == digest
    return False
