"""Labels as people have them: a table, a two-column list, or a folder per class."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from indexer.errors import SourceError
from indexer.sources import TABLE_SUFFIXES, locate
from indexer.tables import CsvTable, ParquetTable, Table, Value
from models.errors import HueweaveError, UnknownNameError, shorten

FOLDER_COLUMN = "class"
"""What the attribute is called where labels have no name: folders and two-column lists."""
_NAMES = ("path", "key")


class LabelError(HueweaveError):
    """Labels that cannot be read, or that measure nothing."""


@dataclass(frozen=True)
class LabelRow:
    """The labels of one picture, by column: None where there is none. ``key`` and ``path`` are
    what the file has of it; ``where`` is the row as a person counts."""

    where: int
    key: str | None
    path: Path | None
    written: str
    labels: dict[str, str | None]


@dataclass(frozen=True)
class LabelFile:
    """Every row of a file of labels, and its label columns."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[LabelRow, ...]


def read_labels(path: Path, attributes: Sequence[str] = ()) -> LabelFile:
    """Return the labels in a CSV or Parquet file, or in a list of paths with a label each.

    A table has a column ``path`` or ``key``; every other one is labels, or those of ``attributes``
    alone. The labels of a list are called as the one of ``attributes``. Raises SourceError,
    LabelError or UnknownNameError.
    """
    if not os.path.isfile(path):
        raise SourceError(f"no labels at {str(path)!r}: expected a CSV, a Parquet file or a list")
    if path.suffix.lower() not in TABLE_SUFFIXES:
        column = column_of_classes(attributes)
        return LabelFile(str(path), (column,), tuple(_read_list(path, column)))
    table: Table = (
        ParquetTable(path) if path.suffix.lower() in (".parquet", ".pq") else CsvTable(path)
    )
    if not set(_NAMES) & set(table.columns):
        listed = ", ".join(map(repr, table.columns)) or "(none)"
        raise SourceError(f"labels {str(path)!r} have no column 'path' or 'key': there is {listed}")
    columns = chosen([name for name in table.columns if name not in _NAMES], attributes)
    if not columns:
        raise LabelError(f"labels {str(path)!r} have no column of labels beside path and key")
    return LabelFile(str(path), columns, tuple(_read_table(path, table, columns)))


def chosen(columns: Sequence[str], attributes: Sequence[str]) -> tuple[str, ...]:
    """Return ``attributes``, or all ``columns`` if none are named; raises UnknownNameError."""
    for name in attributes:
        if name not in columns:
            raise UnknownNameError("label column", name, columns)
    return tuple(dict.fromkeys(attributes)) or tuple(columns)


def column_of_classes(attributes: Sequence[str]) -> str:
    """Return what labels without a name are called; raises LabelError for more than one name."""
    if len(set(attributes)) > 1:
        raise LabelError(
            f"these labels are one attribute, {', '.join(attributes)} are {len(attributes)}: "
            "name one"
        )
    return next(iter(attributes), FOLDER_COLUMN)


def folder_label(key: str) -> str | None:
    """Return the name of the folder that a picture lies in, None for one that lies in none."""
    return PurePosixPath(key).parent.name or None


def label_of(value: Value) -> str | None:
    """Return the label in a cell; None for an empty one and for NaN."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    return None if text == "" or text.lower() == "nan" else text


def _read_table(path: Path, table: Table, columns: Iterable[str]) -> Iterator[LabelRow]:
    for number, row in table.rows():
        key, written = (label_of(row.get(name)) for name in ("key", "path"))
        if key is None and written is None:
            raise SourceError(f"labels {str(path)!r}, row {number}: neither path nor key")
        place = None if written is None else path.parent / written
        labels = {name: label_of(row[name]) for name in columns}
        yield LabelRow(number, key, place, key or written or "", labels)


def _read_list(path: Path, column: str) -> Iterator[LabelRow]:
    """Yield rows of a file whose lines are a path and a label, a tab or space between them."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"labels {str(path)!r} are not UTF-8: {error.reason}; save them as UTF-8"
        ) from error
    except OSError as error:
        raise SourceError(f"cannot read labels {str(path)!r}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        parts = line.split("\t") if "\t" in line else line.rsplit(maxsplit=1)
        if len(parts) != 2 or not parts[0].strip():
            raise SourceError(
                f"labels {str(path)!r}, line {number}: expected a path, a tab or a space and a "
                f"label, not {shorten(line)!r}"
            )
        written = parts[0].strip()
        place = locate(written, path.parent)
        yield LabelRow(number, None, place, written, {column: label_of(parts[1])})
