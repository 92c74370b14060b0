"""The tables of the catalog, and how one of an older release is brought up to them."""

import sqlite3

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, slot INTEGER NOT NULL UNIQUE,
    source TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    metadata TEXT NOT NULL, added TEXT NOT NULL, palette TEXT, checksums BLOB, seal INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, source TEXT NOT NULL, size INTEGER, mtime_ns INTEGER,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS columns (
    name TEXT PRIMARY KEY, type TEXT NOT NULL, indexed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL, gone INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pair TEXT NOT NULL UNIQUE, time TEXT NOT NULL,
    attribute TEXT NOT NULL, same INTEGER NOT NULL, query_key TEXT, query_version INTEGER,
    query_slot INTEGER, example TEXT, hit_key TEXT NOT NULL, hit_version INTEGER NOT NULL,
    hit_slot INTEGER NOT NULL, key_id TEXT, seal INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_by_attribute ON feedback (attribute, id);
CREATE INDEX IF NOT EXISTS feedback_by_example ON feedback (example) WHERE example IS NOT NULL;
CREATE TABLE IF NOT EXISTS feedback_examples (
    digest TEXT PRIMARY KEY, palette TEXT, pools BLOB NOT NULL, seal INTEGER NOT NULL
);
INSERT OR IGNORE INTO counters VALUES ('next_slot', 0), ('forgotten', 0), ('emptied', 0),
    ('gone_before', 0);
"""
_COLUMNS = {"palette": "TEXT", "checksums": "BLOB", "seal": "INTEGER"}
# What is written through whichever statement, the log of changes hears of it.
_TRIGGERS = """
CREATE TRIGGER IF NOT EXISTS item_removed AFTER DELETE ON items
    BEGIN INSERT INTO changes (slot, gone) VALUES (old.slot, 1); END;
CREATE TRIGGER IF NOT EXISTS item_replaced AFTER UPDATE OF slot ON items WHEN old.slot <> new.slot
    BEGIN INSERT INTO changes (slot, gone) VALUES (old.slot, 1); END;
CREATE TRIGGER IF NOT EXISTS item_relabelled AFTER UPDATE OF metadata ON items
    WHEN old.slot = new.slot AND old.metadata <> new.metadata
    BEGIN INSERT INTO changes (slot, gone) VALUES (old.slot, 0); END;
CREATE INDEX IF NOT EXISTS items_by_media ON items (source) WHERE source GLOB 'media/*';
"""
_OBJECTS = frozenset({"items", "failures", "columns", "counters", "documents", "changes",
    "item_removed", "item_replaced", "item_relabelled", "items_by_media", "feedback",
    "feedback_by_attribute", "feedback_by_example", "feedback_examples"})  # fmt: skip


def is_current(connection: sqlite3.Connection) -> bool:
    """Return whether all there has to be is there."""
    objects = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    return objects >= _OBJECTS and not _missing_columns(connection)


def bring_up(connection: sqlite3.Connection) -> None:
    """Make in a writing connection what is not there yet, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _run(connection, _TABLES)
        for name in _missing_columns(connection):
            connection.execute(f"ALTER TABLE items ADD COLUMN {name} {_COLUMNS[name]}")
        _run(connection, _TRIGGERS)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _missing_columns(connection: sqlite3.Connection) -> list[str]:
    found = {row[0] for row in connection.execute("SELECT name FROM pragma_table_info('items')")}
    return [name for name in _COLUMNS if name not in found]


def _run(connection: sqlite3.Connection, script: str) -> None:
    # Not executescript, which would commit what is under way.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
