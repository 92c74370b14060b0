"""The catalog's log of changes: what a view that is followed has to hear of.

Triggers write it, whatever statement an item is replaced, removed or relabelled by; new items need
no line in it, since their slots lie past all that were used before.
"""

import sqlite3
from dataclasses import dataclass

import numpy as np

from indexer.database import Database, number_of
from indexer.errors import CatalogError
from indexer.spaces import Slots

# Who has not looked for so many changes reads everything again.
_REMEMBERED = 100_000


@dataclass(frozen=True)
class News:
    """What came since a moment: slots of new items, of those gone and of those relabelled.

    ``change`` and ``end`` are this moment: the last change there was, the first slot never used.
    """

    change: int
    end: int
    added: Slots
    gone: Slots


class ChangeLog(Database):
    """``changes``, beside the items that it is about."""

    def news(self) -> News:
        """Return what there is, as what came since the beginning."""
        with self.moment() as connection:
            return self._news(connection, _last_change(connection), 0)

    def news_since(self, change: int, end: int) -> News | None:
        """Return what came after a moment; None if that is too long ago to be remembered."""
        with self.moment() as connection:
            if change < self._counter(connection, "forgotten"):
                return None
            return self._news(connection, change, end)

    def _news(self, connection: sqlite3.Connection, change: int, end: int) -> News:
        sql = "SELECT slot FROM changes WHERE id > ? AND gone"
        return News(
            change=_last_change(connection),
            end=self._counter(connection, "next_slot"),
            added=self._live_slots(connection, end),
            gone=np.array([row[0] for row in connection.execute(sql, (change,))], np.int64),
        )

    def last_change(self) -> int:
        """Return the number of the last change that took an item or its metadata away."""
        with self.reading() as connection:
            return _last_change(connection)

    def relabelled_since(self, change: int) -> list[int] | None:
        """Return slots whose metadata changed after ``change``; None if that is forgotten."""
        with self.moment() as connection:
            if change < self._counter(connection, "forgotten"):
                return None
            sql = "SELECT DISTINCT slot FROM changes WHERE id > ? AND NOT gone"
            return [row[0] for row in connection.execute(sql, (change,))]

    def _live_slots(self, connection: sqlite3.Connection, start: int) -> Slots:
        rows = connection.execute("SELECT slot FROM items WHERE slot >= ? ORDER BY slot", (start,))
        try:
            found: Slots = np.fromiter((row[0] for row in rows), dtype=np.int64)
        except (TypeError, ValueError, OverflowError) as error:
            raise CatalogError(f"a slot in {str(self.path)!r} is damaged: {error}") from error
        end = self._counter(connection, "next_slot")
        if len(found) and (found[0] < start or found[-1] >= end or (np.diff(found) < 1).any()):
            raise CatalogError(f"a slot in {str(self.path)!r} is damaged: the next is {end}")
        return found

    def _counter(self, connection: sqlite3.Connection, name: str) -> int:
        sql = "SELECT value FROM counters WHERE name = ?"
        return number_of(self.path, connection.execute(sql, (name,)).fetchall())

    # --- writing, by whoever makes a generation

    def gone_with_pools(self) -> tuple[Slots, int]:
        """Return slots, rising, of items that were gone when the generation before this was made,
        and whose rows of pools may not be empty yet; and the last change there is."""
        with self.moment() as connection:
            emptied, before = (self._counter(connection, n) for n in ("emptied", "gone_before"))
            sql = "SELECT DISTINCT slot FROM changes WHERE id > ? AND id <= ? AND gone ORDER BY 1"
            rows = connection.execute(sql, (emptied, before))
            return np.array([row[0] for row in rows], np.int64), _last_change(connection)

    def note_emptied(self, change: int) -> None:
        """Note that what ``gone_with_pools`` found is empty; call inside ``transaction``."""
        sql = "UPDATE counters SET value = {} WHERE name = ?"
        before = "(SELECT value FROM counters WHERE name = 'gone_before')"
        self.connection.execute(sql.format(before), ("emptied",))
        self.connection.execute(sql.format("?"), (change, "gone_before"))

    def forget_changes(self) -> None:
        """Drop what of the log of changes nobody is likely to ask for; call inside
        ``transaction``."""
        # What was gone before it has to be known until the room of its pools is given back.
        emptied = self._counter(self.connection, "emptied")
        last = min(_last_change(self.connection) - _REMEMBERED, emptied)
        self.connection.execute("DELETE FROM changes WHERE id <= ?", (last,))
        self.connection.execute(
            "UPDATE counters SET value = max(value, ?) WHERE name = 'forgotten'", (last,)
        )


def _last_change(connection: sqlite3.Connection) -> int:
    rows = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchall()
    return int(rows[0][0]) if rows else 0
