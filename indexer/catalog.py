"""The durable set of items: one SQLite file whose commit is the only moment that counts."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import CatalogError, IndexFolderError
from indexer.sources import Metadata
from indexer.spaces import Slots

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, slot INTEGER NOT NULL UNIQUE,
    source TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    metadata TEXT NOT NULL, added TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, source TEXT NOT NULL, size INTEGER, mtime_ns INTEGER,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS columns (
    name TEXT PRIMARY KEY, type TEXT NOT NULL, indexed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('next_slot', 0);
"""
_ITEM = "key, version, slot, source, digest, size, mtime_ns, metadata, added"
# SQLite's limit on parameters of one statement is 32,766 since 3.32; stay far below.
_CHUNK = 5000


@dataclass(frozen=True)
class Item:
    """One picture of the catalog. ``slot`` is the row of its pools, ``version`` counts up when
    it is replaced, ``digest`` is the SHA-256 of the picture's bytes, ``added`` an ISO 8601 moment
    in UTC."""

    key: str
    version: int
    slot: int
    source: str
    digest: str
    size: int
    mtime_ns: int
    metadata: Metadata
    added: str


@dataclass(frozen=True)
class Failure:
    """A picture that could not be read, and why."""

    key: str
    source: str
    size: int | None
    mtime_ns: int | None
    reason: str


class Catalog:
    """``catalog.sqlite``. Any thread may read it; one opened to write is for one thread only.

    What is wrong with the file or the disk is raised as CatalogError.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._watching: sqlite3.Connection | None = None
        if not writable and not path.is_file():
            raise IndexFolderError(f"index {str(path.parent)!r} has no {path.name}")
        with sqlite_errors(path):
            if writable:
                self._writer = self._connect_to_write()
                self._writer.executescript(_TABLES)
            else:  # a damaged file shows here, not at the first read
                self._idle.append(self._connect_to_read())

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for statements of more than one table."""
        assert self._writer is not None, "the catalog is open for reading only"
        return self._writer

    def _connect_to_write(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=FILE")
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        try:
            return self._connect("mode=ro")
        except sqlite3.OperationalError:
            # A read-only mount: WAL cannot open there, but nothing can change the file either.
            # Commits still in a log beside it would be overlooked, though.
            log = self.path.with_name(f"{self.path.name}-wal")
            if log.is_file() and log.stat().st_size:
                raise
            return self._connect("immutable=1")

    def _connect(self, how: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?{how}"
        # Used by one thread at a time, but not always by the same.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("SELECT count(*) FROM counters")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; as many are open as there were ever reads at once."""
        with sqlite_errors(self.path):
            if self._writer is not None:
                yield self._writer
                return
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect_to_read()
            try:
                yield connection
            finally:
                self._idle.append(connection)

    def close(self) -> None:
        """Close all connections, folding the write-ahead log into the file; nobody may be
        reading any more."""
        if self._writer is not None:
            with sqlite_errors(self.path), closing(self._writer):
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if self._watching is not None:
            self._watching.close()
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the body writes, all or nothing, durable on return."""
        with sqlite_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                # A full disk has rolled back by itself, and then there is nothing to roll back.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    # --- reading -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many items there are."""
        return self._number("SELECT count(*) FROM items")

    def next_slot(self) -> int:
        """Return the first slot never used."""
        return self._number("SELECT value FROM counters WHERE name = 'next_slot'")

    def changes(self) -> int:
        """Return a number that is another once anything was committed; one caller at a time."""
        with sqlite_errors(self.path):
            if self._writer is not None:
                return self._writer.total_changes
            # SQLite counts for each connection by itself, so it has to be the same each time.
            if self._watching is None:
                self._watching = self._connect_to_read()
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        rows = self._rows(f"SELECT {_ITEM} FROM items WHERE key = ?", (key,))
        return _item(rows[0]) if rows else None

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot, in one statement per few thousand."""
        found: dict[int, Item] = {}
        for at in range(0, len(slots), _CHUNK):
            some = [int(slot) for slot in slots[at : at + _CHUNK]]
            marks = ",".join("?" * len(some))
            rows = self._rows(f"SELECT {_ITEM} FROM items WHERE slot IN ({marks})", some)
            found |= {row[2]: _item(row) for row in rows}
        return found

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key`` (None: from the start)."""
        after = "? IS NULL" if key is None else "key > ?"
        sql = f"SELECT {_ITEM} FROM items WHERE {after} ORDER BY key LIMIT ?"
        return [_item(row) for row in self._rows(sql, (key, limit))]

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key, from one consistent moment."""
        with self._reading() as connection:
            for row in connection.execute(f"SELECT {_ITEM} FROM items ORDER BY key"):
                yield _item(row)

    def live_slots(self, start: int = 0) -> Slots:
        """Return the slots of all items from ``start`` on, rising, as int64."""
        sql = "SELECT slot FROM items WHERE slot >= ? ORDER BY slot"
        with self._reading() as connection:
            rows = connection.execute(sql, (start,))
            try:
                return np.fromiter((row[0] for row in rows), dtype=np.int64)
            except (TypeError, ValueError) as error:
                raise CatalogError(f"a slot in {str(self.path)!r} is damaged: {error}") from error

    def failures(self, limit: int = -1) -> list[Failure]:
        """Return recorded failures in order of key."""
        sql = "SELECT key, source, size, mtime_ns, reason FROM failures ORDER BY key LIMIT ?"
        return [Failure(*row) for row in self._rows(sql, (limit,))]

    def failure_count(self) -> int:
        """Return how many pictures could not be read."""
        return self._number("SELECT count(*) FROM failures")

    def columns(self) -> dict[str, tuple[str, bool]]:
        """Return metadata columns: name to (type, whether indexed)."""
        rows = self._rows("SELECT name, type, indexed FROM columns ORDER BY name")
        return {name: (kind, bool(indexed)) for name, kind, indexed in rows}

    def check(self) -> list[str]:
        """Return what SQLite's own integrity check finds wrong, or metadata that is not JSON."""
        sql = "SELECT key FROM items WHERE json_valid(metadata) IS NOT 1"
        try:
            found = [row[0] for row in self._rows("PRAGMA integrity_check") if row[0] != "ok"]
            return found or [f"metadata of {row[0]!r} is damaged" for row in self._rows(sql)]
        except CatalogError as error:
            return [str(error)]

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(sql, values).fetchall()

    def _number(self, sql: str) -> int:
        rows = self._rows(sql)
        if not rows:
            raise CatalogError(f"catalog {str(self.path)!r} is damaged: it lost its counters")
        return int(rows[0][0])

    # --- writing, inside a transaction ------------------------------------------------------------

    def put(self, items: Iterable[Item]) -> None:
        """Insert or replace items and clear their failures; call inside ``transaction``."""
        rows = [_row(item) for item in items]
        marks = ",".join("?" * len(_ITEM.split(",")))
        self.connection.executemany(
            f"INSERT OR REPLACE INTO items ({_ITEM}) VALUES ({marks})", rows
        )
        self.connection.executemany("DELETE FROM failures WHERE key = ?", [(r[0],) for r in rows])
        top = max((row[2] for row in rows), default=-1)
        self.connection.execute(
            "UPDATE counters SET value = max(value, ?) WHERE name = 'next_slot'", (top + 1,)
        )

    def put_failures(self, failures: Iterable[Failure]) -> None:
        """Record failures; call inside ``transaction``."""
        rows = [(f.key, f.source, f.size, f.mtime_ns, f.reason) for f in failures]
        self.connection.executemany("INSERT OR REPLACE INTO failures VALUES (?,?,?,?,?)", rows)

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns and index those named; call inside ``transaction``."""
        indexed = set(indexed)
        for name, kind in columns.items():
            self.connection.execute(
                "INSERT INTO columns VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET type = excluded.type, indexed = max(indexed, excluded.indexed)",
                (name, kind, name in indexed),
            )
        for name in indexed:
            # In hexadecimal: SQLite takes names that differ in case only for the same.
            self.connection.execute(
                f'CREATE INDEX IF NOT EXISTS "metadata {name.encode().hex()}" '
                f"ON items ({column_expression(name)})"
            )


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite finds wrong within the body as CatalogError."""
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogError(f"catalog {str(path)!r} cannot be used: {error}") from error


def column_expression(name: str) -> str:
    """Return the SQL for a metadata column's value; a filter must use it to meet the index."""
    label = json.dumps(name, ensure_ascii=False)
    if '"' in name:
        label = label[1:-1]  # SQLite ends a quoted label at any quote, escaped or not
    label = label.replace("'", "''")
    return f"json_extract(metadata, '$.{label}')"


def _item(row: tuple[str, int, int, str, str, int, int, str, str]) -> Item:
    try:
        return Item(*row[:7], json.loads(row[7]), row[8])
    except (TypeError, ValueError) as error:
        raise CatalogError(f"metadata of {row[0]!r} is damaged: {error}") from error


def _row(item: Item) -> tuple[str, int, int, str, str, int, int, str, str]:
    text = json.dumps(item.metadata, ensure_ascii=False)
    return (
        item.key, item.version, item.slot, item.source, item.digest, item.size, item.mtime_ns,
        text, item.added,
    )  # fmt: skip
