"""A SQLite file: a pool of reading connections, one to write, and its errors as ours."""

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from indexer.errors import CatalogError, DiskFullError, IndexFolderError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# The second: no room for the few kilobytes that processes share while a catalog is open.
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})


class Database:
    """One SQLite file. Any thread may read it; threads that write take turns.

    What is wrong with the file or the disk is raised as CatalogError, a full disk as
    DiskFullError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._watching: sqlite3.Connection | None = None
        self._turn = RLock()
        if not path.is_file():
            raise IndexFolderError(f"index {str(path.parent)!r} has no {path.name}")
        with sqlite_errors(path):  # a damaged file shows here, not at the first read
            self._idle.append(self._connect_to_read())

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for who has the turn; opened when it is first asked for."""
        if self._writer is None:
            with sqlite_errors(self.path):
                self._writer = connect_to_write(self.path)
        return self._writer

    def _connect_to_read(self) -> sqlite3.Connection:
        try:
            return self._connect("mode=ro")
        except sqlite3.OperationalError:
            # A read-only mount: WAL cannot open there, but nothing can change the file either.
            # Commits still in a log beside it would be overlooked, though, and so would whatever
            # is written once there is room again on a disk that is only full.
            log = self.path.with_name(f"{self.path.name}-wal")
            if os.access(self.path.parent, os.W_OK) or (log.is_file() and log.stat().st_size):
                raise
            return self._connect("immutable=1")

    def _connect(self, how: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?{how}"
        # Used by one thread at a time, but not always by the same.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; as many are open as there were ever reads at once."""
        with sqlite_errors(self.path):
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect_to_read()
            try:
                yield connection
            finally:
                self._idle.append(connection)

    @contextmanager
    def moment(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection whose reads within the body all see the same moment."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections, folding the write-ahead log into the file; nobody may be
        reading any more."""
        if self._watching is not None:
            self._watching.close()
        while self._idle:
            self._idle.pop().close()
        if self._writer is not None:
            close_writer(self._writer)
            self._writer = None

    @contextmanager
    def transaction(self, *, locks: bool = True) -> Iterator[sqlite3.Connection]:
        """Commit what the body writes, all or nothing, durable on return.

        Without ``locks`` others may write to the file while the body does not.
        """
        with self._turn, sqlite_errors(self.path):
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE" if locks else "BEGIN DEFERRED")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back by itself, and then there is nothing to roll back.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def changes(self) -> int:
        """Return a number that is another once anything was committed; one caller at a time."""
        with sqlite_errors(self.path):
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
        return number_of(self.path, self.rows(sql))


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Return a connection whose commits are on the disk when they return."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=FILE")
    return connection


def close_writer(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file, if there is room for it, and close."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:  # what was committed stays in the log, and is read from there
        pass
    finally:
        connection.close()


def number_of(path: Path, rows: Sequence[Sequence[Any]]) -> int:
    """Return the one number that ``rows`` are; raises CatalogError if there is none."""
    if not rows:
        raise CatalogError(f"catalog {str(path)!r} is damaged: it lost its counters")
    return int(rows[0][0])


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite finds wrong within the body as CatalogError or DiskFullError."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter in words about damaged names
        full = getattr(error, "sqlite_errorcode", None) in _FULL
        kind, reason = (DiskFullError, "the disk is full") if full else (CatalogError, error)
        raise kind(f"catalog {str(path)!r} cannot be used: {reason}") from error


@contextmanager
def full_disk_errors(folder: Path) -> Iterator[None]:
    """Raise an OSError that says the disk is full as DiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(f"no room on the disk of {str(folder)!r}") from error
        raise
