"""A source's pictures and one label each, and in words what was left out."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.sources import Entry, FolderSource, Source, check_not_empty, make_entry
from models.errors import one_of
from models.training.options import TrainingError
from service.evaluation.labels import LabelFile, folder_label, label_of, read_labels
from service.evaluation.pairing import pair


@dataclass(frozen=True)
class LabelledEntries:
    """Entries of a source with a label each, in order of the source, each once; and notices."""

    entries: tuple[Entry, ...]
    labels: tuple[str, ...]
    notices: tuple[str, ...]


class LabelSource:
    """The pictures that a file of labels names by path, each once."""

    columns: dict[str, str] = {}  # noqa: RUF012 - a read-only default

    def __init__(self, file: LabelFile) -> None:
        self.name = file.name
        self._rows = file.rows

    def entries(self) -> Iterator[Entry]:
        named = set[str]()
        for row in self._rows:
            if row.path is None:
                raise TrainingError(
                    f"labels {self.name!r}, row {row.where}: a key and no path: name the SOURCE "
                    "that the pictures are in"
                )
            if row.written not in named:
                named.add(row.written)
                yield make_entry(row.written, row.path)


def label_entries(
    source: Source | None, labels: Path | None = None, attribute: str | None = None
) -> LabelledEntries:
    """Return the pictures of ``source`` that have a label; without one, those ``labels`` name.

    A label is that of a file's column ``attribute``, or of its only one; without a file, of a
    column of the source; in a source without columns, the name of the folder that a picture lies
    in. Raises TrainingError, SourceError, LabelError or UnknownNameError.
    """
    file = read_labels(labels, [attribute] if attribute else ()) if labels else None
    if source is None:
        if file is None:
            raise TrainingError("nothing to train on is given: name a SOURCE, or --labels FILE")
        source = LabelSource(file)
    check_not_empty(source)
    notices: list[str] = []
    entries = _once(source.entries(), notices)
    if file is not None:
        given = _by_file(entries, file, notices)
    elif source.columns:
        column = _only(source.name, source.columns, attribute)
        given = [label_of(entry.metadata[column]) for entry in entries]
    elif attribute is not None:
        raise TrainingError(
            f"source {source.name!r} has no column {attribute!r}: name a file with --labels FILE"
        )
    else:
        given = [folder_label(entry.key) for entry in entries]
    kept = [(e, label) for e, label in zip(entries, given, strict=True) if label is not None]
    if not kept:
        raise TrainingError(_nothing(source, file, notices))
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
        notices.append(f"pictures that the source names again count once: {repeated}")
    return list(by_key.values())


def _by_file(entries: list[Entry], file: LabelFile, notices: list[str]) -> list[str | None]:
    column = _only(file.name, file.columns, None)

    def places() -> dict[str, str]:
        return {os.path.realpath(one.path): one.key for one in entries if one.problem is None}

    paired = pair(file.rows, {one.key for one in entries}, places)
    notices.extend(paired.notes())
    return [paired.given.get(entry.key, {}).get(column) for entry in entries]


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


def _nothing(source: Source, file: LabelFile | None, notices: list[str]) -> str:
    if file is None and isinstance(source, FolderSource):
        return (
            f"the pictures of {source.name!r} lie in no folders that could be their classes: "
            "name labels with --labels FILE"
        )
    return "; ".join((f"no picture of {source.name!r} has a label", *notices))
