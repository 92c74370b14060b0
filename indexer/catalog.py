"""The durable set of items: one SQLite file whose commit is the only moment that counts."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from indexer.database import Database
from indexer.errors import CatalogError
from indexer.records import ITEM_COLUMNS, Failure, Item, item_of, row_of
from indexer.spaces import Slots

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, slot INTEGER NOT NULL UNIQUE,
    source TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    metadata TEXT NOT NULL, added TEXT NOT NULL, palette TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, source TEXT NOT NULL, size INTEGER, mtime_ns INTEGER,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS columns (
    name TEXT PRIMARY KEY, type TEXT NOT NULL, indexed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('next_slot', 0), ('relabelled', 0);
"""
_HAS_PALETTES = "SELECT 1 FROM pragma_table_info('items') WHERE name = 'palette'"
# SQLite's limit on parameters of one statement is 32,766 since 3.32; stay far below.
_CHUNK = 5000


class Catalog(Database):
    """``catalog.sqlite``: items, failures and metadata columns."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        super().__init__(path, _TABLES, writable=writable)
        self._has_palettes = False
        if writable and self._palette_column() == "NULL":
            with self.transaction() as db:
                db.execute("ALTER TABLE items ADD COLUMN palette TEXT")

    # --- reading -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many items there are."""
        return self.number("SELECT count(*) FROM items")

    def next_slot(self) -> int:
        """Return the first slot never used."""
        return self.number("SELECT value FROM counters WHERE name = 'next_slot'")

    def item(self, key: str) -> Item | None:
        """Return the item with ``key``, if there is one."""
        rows = self.rows(f"SELECT {self._item_columns()} FROM items WHERE key = ?", (key,))
        return item_of(rows[0]) if rows else None

    def items_in(self, slots: Sequence[int]) -> dict[int, Item]:
        """Return the items that hold ``slots``, by slot, in one statement per few thousand."""
        found: dict[int, Item] = {}
        columns = self._item_columns()
        for at in range(0, len(slots), _CHUNK):
            some = [int(slot) for slot in slots[at : at + _CHUNK]]
            marks = ",".join("?" * len(some))
            rows = self.rows(f"SELECT {columns} FROM items WHERE slot IN ({marks})", some)
            found |= {row[2]: item_of(row) for row in rows}
        return found

    def items_after(self, key: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items in order of key, after ``key`` (None: from the start)."""
        after = "? IS NULL" if key is None else "key > ?"
        sql = f"SELECT {self._item_columns()} FROM items WHERE {after} ORDER BY key LIMIT ?"
        return [item_of(row) for row in self.rows(sql, (key, limit))]

    def items(self) -> Iterator[Item]:
        """Yield all items in order of key, from one consistent moment."""
        sql = f"SELECT {self._item_columns()} FROM items ORDER BY key"
        with self.reading() as connection:
            for row in connection.execute(sql):
                yield item_of(row)

    def live_slots(self, start: int = 0) -> Slots:
        """Return the slots of all items from ``start`` on, rising, as int64."""
        sql = "SELECT slot FROM items WHERE slot >= ? ORDER BY slot"
        with self.reading() as connection:
            rows = connection.execute(sql, (start,))
            try:
                return np.fromiter((row[0] for row in rows), dtype=np.int64)
            except (TypeError, ValueError) as error:
                raise CatalogError(f"a slot in {str(self.path)!r} is damaged: {error}") from error

    def palettes_from(self, slot: int) -> list[tuple[int, str | None]]:
        """Return slot and palette, as JSON, of all items from ``slot`` on, in no order."""
        return self.rows(
            f"SELECT slot, {self._palette_column()} FROM items WHERE slot >= ?", (slot,)
        )

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

    def relabelled(self) -> int:
        """Return how often items were given other metadata while they kept their slots."""
        # A catalog from before they were counted, open for reading only, counts as 0.
        return self.number("SELECT coalesce(max(value), 0) FROM counters WHERE name = 'relabelled'")

    def check(self) -> list[str]:
        """Return what SQLite's own integrity check finds wrong, or metadata and palettes that are
        not JSON."""
        try:
            found = [row[0] for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]
            return found or [*self._damaged("metadata"), *self._damaged(self._palette_column())]
        except CatalogError as error:
            return [str(error)]

    def _damaged(self, column: str) -> list[str]:
        sql = f"SELECT key FROM items WHERE json_valid(coalesce({column}, '[]')) IS NOT 1"
        return [f"{column} of {row[0]!r} is damaged" for row in self.rows(sql)]

    def _item_columns(self) -> str:
        return ITEM_COLUMNS.replace("palette", self._palette_column())

    def _palette_column(self) -> str:
        """Return the SQL for palettes: NULL in a catalog from before they were kept, as long as
        nobody has opened it to write."""
        if not self._has_palettes:
            self._has_palettes = bool(self.rows(_HAS_PALETTES))
        return "palette" if self._has_palettes else "NULL"

    # --- writing, inside a transaction ------------------------------------------------------------

    def put(self, items: Iterable[Item]) -> None:
        """Insert or replace items and clear their failures; call inside ``transaction``."""
        rows = [row_of(item) for item in items]
        marks = ",".join("?" * len(ITEM_COLUMNS.split(",")))
        self.connection.executemany(
            f"INSERT OR REPLACE INTO items ({ITEM_COLUMNS}) VALUES ({marks})", rows
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

    def forget_files(self, from_slot: int) -> int:
        """Forget size and time of the files of items from ``from_slot`` on, so that the next
        build reads them again, however often it is stopped; return how many they are."""
        with self.transaction() as db:
            return db.execute(
                "UPDATE items SET size = -1, mtime_ns = -1 WHERE slot >= ?", (from_slot,)
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

    def count_relabelled(self) -> None:
        """Note that items got other metadata but kept their slots; call inside ``transaction``."""
        self.connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'relabelled'")
