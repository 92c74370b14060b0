"""A SQLite file: a pool of reading connections, one to write, and its errors as ours."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from indexer.errors import CatalogError, IndexFolderError


class Database:
    """One SQLite file. Any thread may read it; one opened to write is for one thread only.

    What is wrong with the file or the disk is raised as CatalogError.
    """

    def __init__(self, path: Path, tables: str, *, writable: bool = False) -> None:
        """``tables`` is the SQL that makes what is not there yet, run if ``writable``."""
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._watching: sqlite3.Connection | None = None
        if not writable and not path.is_file():
            raise IndexFolderError(f"index {str(path.parent)!r} has no {path.name}")
        with sqlite_errors(path):
            if writable:
                self._writer = self._connect_to_write()
                self._writer.executescript(tables)
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
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
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
    def transaction(self, *, locks: bool = True) -> Iterator[sqlite3.Connection]:
        """Commit what the body writes, all or nothing, durable on return.

        Without ``locks`` others may write to the file while the body does not.
        """
        with sqlite_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE" if locks else "BEGIN DEFERRED")
            try:
                yield self.connection
            except BaseException:
                # A full disk has rolled back by itself, and then there is nothing to roll back.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def changes(self) -> int:
        """Return a number that is another once anything was committed; one caller at a time."""
        with sqlite_errors(self.path):
            if self._writer is not None:
                return self._writer.total_changes
            # SQLite counts for each connection by itself, so it has to be the same each time.
            if self._watching is None:
                self._watching = self._connect_to_read()
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """Return all rows of a statement."""
        with self.reading() as connection:
            return connection.execute(sql, values).fetchall()

    def number(self, sql: str) -> int:
        """Return the one number of a statement; raises CatalogError if there is none."""
        rows = self.rows(sql)
        if not rows:
            raise CatalogError(f"catalog {str(self.path)!r} is damaged: it lost its counters")
        return int(rows[0][0])


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite finds wrong within the body as CatalogError."""
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogError(f"catalog {str(path)!r} cannot be used: {error}") from error
