"""A source's pictures and one label each, and in words what was left out."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.sources import Entry, FolderSource, Source, check_not_empty
from models.errors import one_of
from models.training.options import TrainingError
from service.evaluation.labels import LabelFile, LabelRow, folder_label, label_of, read_labels

_SHOWN = 3


@dataclass(frozen=True)
class LabelledEntries:
    """Entries of a source with a label each, in order of the source, each once; and notices."""

    entries: tuple[Entry, ...]
    labels: tuple[str, ...]
    notices: tuple[str, ...]


def label_entries(
    source: Source, labels: Path | None = None, attribute: str | None = None
) -> LabelledEntries:
    """Return the pictures of ``source`` that have a label.

    It is that of a file's column ``attribute``, or of its only one; without a file, of a column of
    the source; in a source without columns, the name of the folder that a picture lies in. Raises
    TrainingError, SourceError, LabelError or UnknownNameError.
    """
    check_not_empty(source)
    notices: list[str] = []
    entries = _once(source.entries(), notices)
    if labels is not None:
        given = _by_file(entries, read_labels(labels, [attribute] if attribute else ()), notices)
    elif source.columns:
        column = _only(source.name, list(source.columns), attribute)
        given = [label_of(entry.metadata[column]) for entry in entries]
    elif attribute is not None:
        raise TrainingError(
            f"source {source.name!r} has no column {attribute!r}: name a file with --labels FILE"
        )
    else:
        given = [folder_label(entry.key) for entry in entries]
    kept = [(e, label) for e, label in zip(entries, given, strict=True) if label is not None]
    if not kept:
        raise TrainingError(_nothing(source, labels, notices))
    if len(kept) < len(entries):
        notices.append(f"{len(entries) - len(kept)} of {len(entries)} pictures have no label")
    found, names = zip(*kept, strict=True)
    return LabelledEntries(found, names, tuple(notices))


def _once(entries: Iterable[Entry], notices: list[str]) -> list[Entry]:
    by_key: dict[str, Entry] = {}
    repeated = 0
    for entry in entries:
        repeated += entry.key in by_key
        by_key.setdefault(entry.key, entry)
    if repeated:
        notices.append(f"{repeated} pictures are named again by the source: once counts")
    return list(by_key.values())


def _by_file(entries: list[Entry], file: LabelFile, notices: list[str]) -> list[str | None]:
    column = _only(file.name, file.columns, None)
    given: dict[str, str | None] = {}
    missing: list[str] = []
    unclear: dict[str, None] = {}
    for row, key in _matched(entries, file.rows):
        label = row.labels[column]
        if key is None:
            missing.append(row.written)
        elif given.get(key) is None:
            given[key] = label
        elif label not in (None, given[key]):
            unclear[key] = None
    if missing:
        notices.append(f"{file.name!r} labels pictures that the source has not: {_listed(missing)}")
    if unclear:
        notices.append(f"labelled twice, differently, so left out: {_listed(list(unclear))}")
    return [None if entry.key in unclear else given.get(entry.key) for entry in entries]


def _matched(
    entries: list[Entry], rows: Iterable[LabelRow]
) -> Iterator[tuple[LabelRow, str | None]]:
    """Yield each row with the key of its picture, found by key, else by where it lies."""
    keys, places = {entry.key for entry in entries}, dict[str, str]()
    for row in rows:
        if row.key is not None or row.written in keys:
            yield row, row.written if row.written in keys else None
            continue
        if not places:
            places = {os.path.realpath(e.path): e.key for e in entries if e.problem is None}
        at = None if row.path is None or "\0" in row.written else os.path.realpath(row.path)
        yield row, None if at is None else places.get(at)


def _only(name: str, columns: Iterable[str], attribute: str | None) -> str:
    known = list(columns)
    if attribute is not None:
        return one_of("label column", attribute, known)
    if len(known) != 1:
        raise TrainingError(
            f"{name!r} has {len(known)} columns of labels, {', '.join(known)}: "
            "name one with --attribute"
        )
    return known[0]


def _nothing(source: Source, labels: Path | None, notices: list[str]) -> str:
    if labels is None and isinstance(source, FolderSource):
        return (
            f"the pictures of {source.name!r} lie in no folders that could be their classes: "
            "name labels with --labels FILE"
        )
    return "; ".join((f"no picture of {source.name!r} has a label", *notices))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
