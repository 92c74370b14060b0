"""Where pictures come from: a folder, a list of paths, or a table with metadata."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.errors import SourceError
from indexer.tables import CsvTable, ParquetTable, Table, Value
from models.images import SUFFIXES

TABLE_SUFFIXES = {".csv", ".tsv", ".parquet", ".pq"}
Metadata = dict[str, Value]


@dataclass(frozen=True)
class Entry:
    """One picture a source names: its key, where its bytes lie, and its typed metadata."""

    key: str
    path: Path
    metadata: Metadata = field(default_factory=dict)
    problem: str | None = None


class Source(Protocol):
    """Something that names pictures, in the same order each time."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> dict[str, str]:
        """Metadata columns and their types: integer, number, boolean or text."""
        ...

    def entries(self) -> Iterator[Entry]: ...


class FolderSource:
    """Every picture file below a folder; the key is its path inside, with forward slashes."""

    columns: dict[str, str] = {}  # noqa: RUF012 - a read-only default

    def __init__(self, folder: Path, *, without: Path | None = None) -> None:
        self.name = str(folder)
        self._folder, self._without = folder, without

    def entries(self) -> Iterator[Entry]:
        yield from self._walk(self._folder, "")

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            # Names alone, in order: a folder of a million pictures has a million of them.
            found = sorted(
                (one.name, one.is_dir(follow_symlinks=False))
                for one in os.scandir(folder)
                if not one.name.startswith(".")
            )
        except OSError as error:
            raise SourceError(f"cannot list folder {str(folder)!r}: {error.strerror}") from error
        for name, is_folder in found:
            if is_folder:
                if (folder / name).resolve() != self._without:
                    yield from self._walk(folder / name, f"{prefix}{name}/")
            elif Path(name).suffix.lower() in SUFFIXES:
                yield make_entry(f"{prefix}{name}", folder / name)


class ListSource:
    """A text file with a path per line; the key is the path as written.

    Relative paths count from the list's folder, or from the working folder if only there a file
    is found, as the reference code's ``catalog.txt`` has them.
    """

    columns: dict[str, str] = {}  # noqa: RUF012 - a read-only default

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def entries(self) -> Iterator[Entry]:
        for line in _lines(self._path):
            written = line.strip()
            if written:
                yield make_entry(written, locate(written, self._path.parent))


class TableSource:
    """A CSV or Parquet file: ``path``, an optional ``key``, and metadata in every other column."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._folder = path.parent
        self._table: Table = (
            ParquetTable(path) if path.suffix.lower() in (".parquet", ".pq") else CsvTable(path)
        )
        if "path" not in self._table.columns:
            raise SourceError(
                f"{self.name!r} has no column 'path': its columns are "
                f"{', '.join(map(repr, self._table.columns)) or '(none)'}"
            )
        self.columns = {n: t for n, t in self._table.columns.items() if n not in ("path", "key")}

    def entries(self) -> Iterator[Entry]:
        for number, row in self._table.rows():
            written, key = row.pop("path"), row.pop("key", None)
            if written in (None, ""):
                raise SourceError(f"{self.name!r}, row {number}: 'path' is empty")
            if "key" in self._table.columns and key in (None, ""):
                raise SourceError(f"{self.name!r}, row {number}: 'key' is empty")
            key = str(written) if key is None else str(key)
            yield make_entry(key, self._folder / str(written), row)


def open_source(text: str, *, index: Path | None = None) -> Source:
    """Return the source that ``text`` names; raises SourceError if there is nothing of a kind.

    A folder that contains ``index`` is read without it.
    """
    path = Path(text).expanduser()
    if os.path.isdir(path):
        return FolderSource(path, without=index.resolve() if index else None)
    if not os.path.exists(path):
        raise SourceError(
            f"no source at {text!r}: expected a folder, a list of paths, a CSV or a Parquet file"
        )
    if path.suffix.lower() in TABLE_SUFFIXES:
        return TableSource(path)
    if path.suffix.lower() in SUFFIXES:
        raise SourceError(f"source {text!r} is one picture: expected a folder, a list or a table")
    return ListSource(path)


def locate(written: str, folder: Path) -> Path:
    """Return the path that a list in ``folder`` means by ``written``: beside the list, or in the
    working folder if only there a file is found."""
    beside, here = folder / written, Path(written)
    return here if not _is_file(beside) and _is_file(here) else beside


def check_not_empty(source: Source) -> None:
    """Raise SourceError if ``source`` names no picture at all."""
    if next(source.entries(), None) is None:
        endings = ", ".join(sorted(SUFFIXES))
        raise SourceError(
            f"source {source.name!r} names no pictures: expected files ending in {endings}, "
            "or lines that name some"
        )


def make_entry(key: str, path: Path, metadata: Metadata | None = None) -> Entry:
    """Return an entry, with its problem if neither key nor path can be stored or opened."""
    problem = None
    if not _is_utf8(key) or not _is_utf8(str(path)):
        # Such names cannot be stored or sent as text; keep a readable stand-in for the report.
        key = os.fsencode(key).decode(errors="backslashreplace")
        problem = "its name is not UTF-8: rename the file"
    elif "\0" in key or "\0" in str(path):
        key, problem = key.replace("\0", "\\0"), "its path has a zero byte"
    elif key in (".", ".."):
        problem = f"its key is {key!r}, which no address can name: give it another"
    return Entry(key, path, metadata or {}, problem)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_file(path: Path) -> bool:
    # Not pathlib's: it raises for a name that is too long.
    return "\0" not in str(path) and os.path.isfile(path)


def _lines(path: Path) -> Iterable[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except UnicodeDecodeError as error:
        raise SourceError(
            f"source {str(path)!r} is not a text file in UTF-8 (byte {error.object[error.start]:#x}"
            f"): expected a folder, a list of paths, a CSV or a Parquet file"
        ) from error
    except OSError as error:
        raise SourceError(f"cannot read source {str(path)!r}: {error.strerror}") from error
