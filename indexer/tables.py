"""Tables of metadata with typed columns: CSV, whose types are inferred, and Parquet."""

import csv
import json
import re
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from indexer.errors import SourceError

Value = str | int | float | bool | None
Row = dict[str, Value]
T = TypeVar("T")

# A leading zero marks a code (an article number, a postcode), which must not lose it as a number.
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_BOOLEANS = {"true": True, "false": False}
_ALWAYS_TEXT = ("path", "key")


class Table(Protocol):
    """Rows under named, typed columns."""

    columns: dict[str, str]

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (row number as a person counts, values); a missing value is None."""
        ...


class CsvTable:
    """A CSV file with a header, read twice: once to learn each column's type, once to yield.

    A column is integer, number or boolean if all its filled cells are, else text.
    """

    def __init__(self, path: Path, texts: Collection[str] = _ALWAYS_TEXT) -> None:
        """Columns called as one of ``texts``, of which the header has some, are text."""
        self._path, self._texts = path, texts
        self._delimiter, header = self._header()
        self.columns = self._infer(header)

    def rows(self) -> Iterator[tuple[int, Row]]:
        for number, cells in self._cells():
            pairs = zip(self.columns.items(), cells, strict=True)
            yield number, {name: _typed(cell, kind) for (name, kind), cell in pairs}

    def _header(self) -> tuple[str, list[str]]:
        headers = dict(self._read(_headers))
        named = (d for d, names in headers.items() if not set(self._texts).isdisjoint(names))
        delimiter = next(named, ",")
        header = headers[delimiter]
        if len(set(header)) < len(header):
            raise SourceError(f"{str(self._path)!r} names a column twice: {', '.join(header)}")
        return delimiter, header

    def _infer(self, header: list[str]) -> dict[str, str]:
        self.columns = dict.fromkeys(header, "text")
        possible = [["text"] if n in self._texts else list(_CHECKS) for n in header]
        filled = [False] * len(header)
        for _, cells in self._cells():
            for at, cell in enumerate(cells):
                if cell:
                    filled[at] = True
                    possible[at] = [kind for kind in possible[at] if _CHECKS[kind](cell)]
        kinds = (p[0] if f else "text" for p, f in zip(possible, filled, strict=True))
        return dict(zip(header, kinds, strict=True))

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        width = len(self.columns)
        for number, cells in self._read(lambda file: _records(file, self._delimiter)):
            if number == 1 or not cells:
                continue
            if len(cells) != width:
                raise SourceError(
                    f"{str(self._path)!r}, line {number} has {len(cells)} cells, "
                    f"the header has {width}"
                )
            yield number, cells

    def _read(self, parse: Callable[[TextIO], Iterator[T]]) -> Iterator[T]:
        """Yield what ``parse`` makes of the file, with its errors as SourceError."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                yield from parse(file)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{str(self._path)!r} is not UTF-8: {error.reason}; save it as UTF-8"
            ) from error
        except csv.Error as error:
            raise SourceError(f"{str(self._path)!r} is not CSV: {error}") from error
        except OSError as error:
            raise SourceError(f"cannot read {str(self._path)!r}: {error.strerror}") from error


def _records(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line it ends on, cells); the header is always number 1."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    for at, cells in enumerate(reader):
        yield (1 if at == 0 else reader.line_num), cells


def _headers(file: TextIO) -> Iterator[tuple[str, list[str]]]:
    """Yield (delimiter, names that the first line has with it) for each that may be meant."""
    line = file.readline()
    for delimiter in ",;\t":
        yield delimiter, next(csv.reader([line], delimiter=delimiter), [])


_CHECKS: dict[str, Callable[[str], bool]] = {
    "boolean": lambda cell: cell.lower() in _BOOLEANS,
    "integer": lambda cell: bool(_INTEGER.fullmatch(cell)),
    "number": lambda cell: _is_number(cell),
    "text": lambda cell: True,
}


def _is_number(cell: str) -> bool:
    if not _NUMBER.fullmatch(cell) or not isfinite(float(cell)):
        return False
    # A whole number that a float cannot hold, such as a long barcode, stays what it is: text.
    return not _WHOLE.fullmatch(cell) or abs(int(cell)) <= 2**53


def _typed(cell: str, kind: str) -> Value:
    if cell == "":
        return None
    if kind == "boolean":
        return _BOOLEANS[cell.lower()]
    if kind == "integer":
        return int(cell)
    return float(cell) if kind == "number" else cell


class ParquetTable:
    """A Parquet file, streamed by record batch; dates become ISO 8601 text."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        self._path = path
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except (OSError, pyarrow.ArrowException) as error:
            raise SourceError(f"{str(path)!r} is not a Parquet file: {error}") from error
        names = self._file.schema_arrow.names
        if len(set(names)) < len(names):
            raise SourceError(f"{str(path)!r} names a column twice: {', '.join(names)}")
        for column in self._file.schema_arrow:
            if _is_binary(column.type):
                raise SourceError(
                    f"{str(path)!r}, column {column.name!r} is {column.type}: expected text, "
                    "numbers, booleans or dates"
                )
        self.columns = {f.name: _arrow_kind(f.type) for f in self._file.schema_arrow}

    def rows(self) -> Iterator[tuple[int, Row]]:
        for number, row in enumerate(self._records(), start=1):
            yield number, {name: _plain(value) for name, value in row.items()}

    def _records(self) -> Iterator[dict[str, object]]:
        try:
            for batch in self._file.iter_batches(batch_size=4096):
                yield from batch.to_pylist()
        except (OSError, ValueError, OverflowError) as error:  # ArrowInvalid is a ValueError
            raise SourceError(f"cannot read {str(self._path)!r}: {error}") from error


def _is_binary(kind: object) -> bool:
    from pyarrow import types

    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _arrow_kind(kind: object) -> str:
    from pyarrow import types

    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind):
        return "integer"
    return "number" if types.is_floating(kind) or types.is_decimal(kind) else "text"


def _plain(value: object) -> Value:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
