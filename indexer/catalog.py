"""The durable set of items: one SQLite file whose commit is the only moment that counts."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from indexer.catalog_schema import bring_up, is_current
from indexer.change_log import ChangeLog
from indexer.database import connect_to_write, sqlite_errors
from indexer.errors import CatalogError, SchemaError
from indexer.records import ITEM_COLUMNS, Failure, Item, item_of, row_of, seal, sealed
from indexer.spaces import Slots

# SQLite's limit on parameters of one statement is 32,766 since 3.32; stay far below.
_CHUNK = 5000


class Catalog(ChangeLog):
    """``catalog.sqlite``: items, failures and metadata columns."""

    def __init__(self, path: Path, *, writable: bool = False, read_only: bool = False) -> None:
        """Open a catalog; if ``writable`` it is made if it is not there.

        Raises SchemaError for one of an older release that cannot be brought up, or must not,
        being opened ``read_only``.
        """
        if writable:
            with sqlite_errors(path):
                _bring_up(path)
        super().__init__(path)
        with self.reading() as connection:
            current = is_current(connection)
        if not current:
            self._upgrade(read_only)

    def _upgrade(self, read_only: bool) -> None:
        try:
            if read_only:
                raise CatalogError("it is open read-only")
            with sqlite_errors(self.path):
                _bring_up(self.path)
        except CatalogError as error:
            raise SchemaError(
                f"catalog {str(self.path)!r} is of an older release and cannot be brought up to "
                f"this one: {error}; open the index once where it can be written to"
            ) from error

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for who has the turn."""
        fresh = self._writer is None
        connection = super().connection
        if fresh:
            connection.create_function("seal", -1, seal, deterministic=True)
        return connection

    # --- reading -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many items there are."""
        return self.number("SELECT count(*) FROM items")

    def next_slot(self) -> int:
        """Return the first slot never used; past all that are used, whatever the counter says."""
        return self.number(
            "SELECT max(value, (SELECT coalesce(max(slot) + 1, 0) FROM items)) FROM counters "
            "WHERE name = 'next_slot'"
        )

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        return self.items_of([key]).get(key)

    def items_of(self, keys: Sequence[str]) -> dict[str, Item]:
        """Return the items with these keys, by key; those there are not are missing."""
        return {item.key: item for item in self._items_where("key", keys)}

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot, in one statement per few thousand."""
        return {item.slot: item for item in self._items_where("slot", [int(one) for one in slots])}

    def _items_where(self, column: str, values: Sequence[object]) -> Iterator[Item]:
        for at in range(0, len(values), _CHUNK):
            some = values[at : at + _CHUNK]
            marks = ",".join("?" * len(some))
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE {column} IN ({marks})"
            yield from (item_of(row) for row in self.rows(sql, some))

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key`` (None: from the start)."""
        after = "? IS NULL" if key is None else "key > ?"
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE {after} ORDER BY key LIMIT ?"
        return [item_of(row) for row in self.rows(sql, (key, limit))]

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key, from one consistent moment."""
        sql = f"SELECT {ITEM_COLUMNS} FROM items ORDER BY key"
        with self.reading() as connection:
            for row in connection.execute(sql):
                yield item_of(row)

    def live_slots(self, start: int = 0) -> Slots:
        """Return the slots of all items from ``start`` on, rising, as int64."""
        with self.reading() as connection:
            return self._live_slots(connection, start)

    def extent(self) -> tuple[Slots, int]:
        """Return the slots of all items and the first slot never used, at one moment."""
        with self.moment() as connection:
            return self._live_slots(connection, 0), self._counter(connection, "next_slot")

    def palettes_from(self, slot: int) -> list[tuple[int, str | None]]:
        """Return slot and palette, as JSON, of all items from ``slot`` on, in no order."""
        return self.rows("SELECT slot, palette FROM items WHERE slot >= ?", (slot,))

    def checksums(self, slots: Slots) -> dict[int, bytes | None]:
        """Return the checksums of the pools of ``slots``, which rise, by slot."""
        if not len(slots):
            return {}
        sql = "SELECT slot, checksums FROM items WHERE slot BETWEEN ? AND ?"
        wanted = set(slots.tolist())
        rows = self.rows(sql, (int(slots[0]), int(slots[-1])))
        return {slot: found for slot, found in rows if slot in wanted}

    def unsealed(self) -> Slots:
        """Return slots, rising, of items from before pools had checksums."""
        rows = self.rows("SELECT slot FROM items WHERE checksums IS NULL ORDER BY slot")
        return np.array([row[0] for row in rows], np.int64)

    def failures(self, limit: int = -1) -> list[Failure]:
        """Return recorded failures in order of key."""
        sql = "SELECT key, source, size, mtime_ns, reason FROM failures ORDER BY key LIMIT ?"
        return [Failure(*row) for row in self.rows(sql, (limit,))]

    def failure_count(self) -> int:
        """Return how many pictures could not be read."""
        return self.number("SELECT count(*) FROM failures")

    def columns(self) -> dict[str, tuple[str, bool]]:
        """Return metadata columns: name to (type, whether indexed: kept in memory)."""
        rows = self.rows("SELECT name, type, indexed FROM columns ORDER BY name")
        return {name: (kind, bool(indexed)) for name, kind, indexed in rows}

    def metadata_from(self, slot: int) -> Iterator[tuple[int, str]]:
        """Yield slot and metadata, as JSON, of all items from ``slot`` on, in no order."""
        with self.reading() as connection:
            yield from connection.execute(
                "SELECT slot, metadata FROM items WHERE slot >= ?", (slot,)
            )

    def metadata_in(self, slots: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield slot and metadata, as JSON, of the items that hold ``slots``, in no order."""
        for at in range(0, len(slots), _CHUNK):
            some = slots[at : at + _CHUNK]
            marks = ",".join("?" * len(some))
            yield from self.rows(f"SELECT slot, metadata FROM items WHERE slot IN ({marks})", some)

    def holds(self, source: str) -> bool:
        """Return whether an item's picture is this file of the index's own media."""
        sql = "SELECT 1 FROM items WHERE source = ? AND source GLOB 'media/*' LIMIT 1"
        return bool(self.rows(sql, (source,)))

    def document(self, name: str) -> str | None:
        """Return a text kept under a name, if there is one."""
        rows = self.rows("SELECT text FROM documents WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def check(self) -> list[str]:
        """Return what is damaged: by SQLite's own integrity check, else by the items' seals."""
        try:
            found = [row[0] for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]
            if not found:  # tables that have no seals can at least be read
                self.failures(), self.columns(), self.next_slot(), self.news()
            return found or self._damaged_rows()
        except CatalogError as error:
            return [str(error)]

    def _damaged_rows(self) -> list[str]:
        problems = []
        with self.reading() as connection:
            for row in connection.execute(f"SELECT {ITEM_COLUMNS} FROM items"):
                try:
                    if row[-1] is not None and seal(*row[:-1]) != row[-1]:
                        raise CatalogError(f"the row of {row[0]!r} is not what was written")
                    item_of(row)
                except CatalogError as error:
                    problems.append(str(error))
        return problems

    # --- writing, inside a transaction ------------------------------------------------------------

    def put(self, items: Iterable[Item]) -> None:
        """Insert or replace items and clear their failures; call inside ``transaction``."""
        rows = [row_of(item) for item in items]
        names = ITEM_COLUMNS.split(", ")
        replaced = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        # Not INSERT OR REPLACE, whose deletes no trigger hears.
        self.connection.executemany(
            f"INSERT INTO items ({ITEM_COLUMNS}) VALUES ({','.join('?' * len(names))}) "
            f"ON CONFLICT (key) DO UPDATE SET {replaced}",
            rows,
        )
        self.connection.executemany("DELETE FROM failures WHERE key = ?", [(r[0],) for r in rows])
        top = max((row[2] for row in rows), default=-1)
        self.connection.execute(
            "UPDATE counters SET value = max(value, ?) WHERE name = 'next_slot'", (top + 1,)
        )

    def remove(self, keys: Iterable[str]) -> None:
        """Remove items and failures; call inside ``transaction``."""
        marked = [(key,) for key in keys]
        self.connection.executemany("DELETE FROM items WHERE key = ?", marked)
        self.connection.executemany("DELETE FROM failures WHERE key = ?", marked)

    def put_failures(self, failures: Iterable[Failure]) -> None:
        """Record failures; call inside ``transaction``."""
        rows = [(f.key, f.source, f.size, f.mtime_ns, f.reason) for f in failures]
        self.connection.executemany("INSERT OR REPLACE INTO failures VALUES (?,?,?,?,?)", rows)

    def forget_files(self, from_slot: int) -> int:
        """Forget size and time of the files of items from ``from_slot`` on, so that the next
        build reads them again, however often it is stopped; return how many they are."""
        resealed = sealed(size="-1", mtime_ns="-1")
        with self.transaction() as db:
            return db.execute(
                f"UPDATE items SET size = -1, mtime_ns = -1, seal = {resealed} WHERE slot >= ?",
                (from_slot,),
            ).rowcount

    def put_columns(self, columns: dict[str, str], indexed: Iterable[str]) -> None:
        """Record metadata columns, those ``indexed`` to be kept in memory; call inside
        ``transaction``."""
        indexed = set(indexed)
        self.connection.executemany(
            "INSERT INTO columns VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET type = excluded.type, indexed = max(indexed, excluded.indexed)",
            [(name, kind, name in indexed) for name, kind in columns.items()],
        )

    def put_document(self, name: str, text: str) -> None:
        """Keep a text under a name; call inside ``transaction``."""
        self.connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (name, text))


def _bring_up(path: Path) -> None:
    connection = connect_to_write(path)
    try:
        if not is_current(connection):
            bring_up(connection)
    finally:
        connection.close()
