"""The durable set of items: one SQLite file whose commit is the only moment that counts."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexFolderError
from indexer.sources import Metadata

Slots = NDArray[np.int64]

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
    """``catalog.sqlite``. Reads may come from any thread, writes from the one that opened it."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self._path, self._writable = path, writable
        self._local = threading.local()
        if not writable and not path.is_file():
            raise IndexFolderError(f"index {str(path.parent)!r} has no {path.name}")
        if writable:
            self.connection.executescript(_TABLES)
        else:
            _ = self.connection  # a damaged file shows here, not at the first read

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            try:
                found = self._local.connection = self._connect()
            except sqlite3.Error as error:
                raise IndexFolderError(f"cannot open {str(self._path)!r}: {error}") from error
        return found

    def _connect(self) -> sqlite3.Connection:
        if self._writable:
            connection = sqlite3.connect(self._path, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA temp_store=FILE")
            return connection
        try:
            return self._connect_to_read("mode=ro")
        except sqlite3.OperationalError:
            # A read-only mount: WAL cannot open there, but nothing can change the file either.
            # Commits still in a log beside it would be overlooked, though.
            log = self._path.with_name(f"{self._path.name}-wal")
            if log.is_file() and log.stat().st_size:
                raise
            return self._connect_to_read("immutable=1")

    def _connect_to_read(self, how: str) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?{how}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            connection.execute("SELECT count(*) FROM counters")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close this thread's connection, folding the write-ahead log into the file."""
        if self._writable:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        del self._local.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the body writes, all or nothing, durable on return."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    # --- reading -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many items there are."""
        return int(self._one("SELECT count(*) FROM items"))

    def next_slot(self) -> int:
        """Return the first slot never used."""
        return int(self._one("SELECT value FROM counters WHERE name = 'next_slot'"))

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        row = self.connection.execute(f"SELECT {_ITEM} FROM items WHERE key = ?", (key,)).fetchone()
        return _item(row) if row else None

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot, in one statement per few thousand."""
        found: dict[int, Item] = {}
        for at in range(0, len(slots), _CHUNK):
            some = [int(slot) for slot in slots[at : at + _CHUNK]]
            marks = ",".join("?" * len(some))
            sql = f"SELECT {_ITEM} FROM items WHERE slot IN ({marks})"
            found |= {row[2]: _item(row) for row in self.connection.execute(sql, some)}
        return found

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key`` (None: from the start)."""
        sql = f"SELECT {_ITEM} FROM items WHERE key > ? ORDER BY key LIMIT ?"
        if key is None:
            sql = sql.replace("key > ?", "? IS NULL")
        return [_item(row) for row in self.connection.execute(sql, (key, limit))]

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key, from one consistent moment."""
        for row in self.connection.execute(f"SELECT {_ITEM} FROM items ORDER BY key"):
            yield _item(row)

    def live_slots(self, start: int = 0) -> Slots:
        """Return the slots of all items from ``start`` on, rising, as int64."""
        rows = self.connection.execute(
            "SELECT slot FROM items WHERE slot >= ? ORDER BY slot", (start,)
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def failures(self, limit: int = -1) -> list[Failure]:
        """Return recorded failures in order of key."""
        sql = "SELECT key, source, size, mtime_ns, reason FROM failures ORDER BY key LIMIT ?"
        return [Failure(*row) for row in self.connection.execute(sql, (limit,))]

    def failure_count(self) -> int:
        """Return how many pictures could not be read."""
        return int(self._one("SELECT count(*) FROM failures"))

    def columns(self) -> dict[str, tuple[str, bool]]:
        """Return metadata columns: name to (type, whether indexed)."""
        rows = self.connection.execute("SELECT name, type, indexed FROM columns ORDER BY name")
        return {name: (kind, bool(indexed)) for name, kind, indexed in rows}

    def check(self) -> list[str]:
        """Return what SQLite's own integrity check finds wrong."""
        rows = self.connection.execute("PRAGMA integrity_check").fetchall()
        return [row[0] for row in rows if row[0] != "ok"]

    def _one(self, sql: str) -> int:
        return int(self.connection.execute(sql).fetchone()[0])

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


def column_expression(name: str) -> str:
    """Return the SQL for a metadata column's value; a filter must use it to meet the index."""
    label = json.dumps(name, ensure_ascii=False)
    if '"' in name:
        label = label[1:-1]  # SQLite ends a quoted label at any quote, escaped or not
    label = label.replace("'", "''")
    return f"json_extract(metadata, '$.{label}')"


def _item(row: tuple[str, int, int, str, str, int, int, str, str]) -> Item:
    return Item(*row[:7], json.loads(row[7]), row[8])


def _row(item: Item) -> tuple[str, int, int, str, str, int, int, str, str]:
    text = json.dumps(item.metadata, ensure_ascii=False)
    return (
        item.key, item.version, item.slot, item.source, item.digest, item.size, item.mtime_ns,
        text, item.added,
    )  # fmt: skip
