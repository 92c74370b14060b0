"""Labels brought to the items of an index: which slots have which label, and what was left out."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.records import Item
from indexer.spaces import Slots
from indexer.store import CatalogStore
from service.evaluation.labels import (
    LabelError,
    LabelFile,
    chosen,
    column_of_classes,
    folder_label,
    label_of,
)
from service.evaluation.pairing import Given, listed, pair

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class LabelColumn:
    """One column of labels: (n,) codes of the labelled items, -1 where there is none; ``classes``
    are the labels that codes stand for, in order."""

    name: str
    classes: tuple[str, ...]
    codes: Codes

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many examples each class has."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.classes))


@dataclass(frozen=True)
class Labelled:
    """The items of an index that have any label, in order of key, (n,) their slots, and what was
    left out, in words."""

    items: tuple[Item, ...]
    columns: tuple[LabelColumn, ...]
    notes: tuple[str, ...]

    @property
    def slots(self) -> Slots:
        return np.array([item.slot for item in self.items], np.int64)

    def part(self, rows: NDArray[np.int64]) -> "Labelled":
        """Return those of ``rows`` alone; classes stay as they are."""
        columns = tuple(LabelColumn(one.name, one.classes, one.codes[rows]) for one in self.columns)
        return Labelled(tuple(self.items[at] for at in rows), columns, self.notes)


def match_file(store: CatalogStore, file: LabelFile, *, singles: bool = True) -> Labelled:
    """Return the items that ``file`` has labels of, found by key, else by where they lie.

    ``singles``: whether a note says what becomes of classes of one example. Raises LabelError if
    there are none, or if no column has two classes.
    """
    items = list(store.items())

    def places() -> dict[str, str]:
        return {os.path.realpath(store.locate(item)): item.key for item in items}

    paired = pair(file.rows, {item.key for item in items}, places)
    failed = {one.key for one in store.failures()} if paired.missing else set[str]()
    return _labelled(items, file.columns, paired.given, paired.notes(failed), singles)


def match_columns(
    store: CatalogStore, attributes: Sequence[str] = (), *, singles: bool = True
) -> Labelled:
    """Return the items with labels in metadata columns: all of these, or ``attributes``.

    ``singles`` as for ``match_file``. Raises UnknownNameError or LabelError.
    """
    names = chosen(list(store.columns()), attributes)
    if not names:
        raise LabelError("the index has no metadata columns: give labels with --labels FILE")
    items = list(store.items())
    given: Given = {
        one.key: {name: label_of(one.metadata.get(name)) for name in names} for one in items
    }
    return _labelled(items, names, given, [], singles)


def match_folders(store: CatalogStore, attributes: Sequence[str] = ()) -> Labelled:
    """Return the items with the name of the folder each lies in as its label."""
    name = column_of_classes(attributes)
    items = list(store.items())
    given: Given = {one.key: {name: folder_label(one.key)} for one in items}
    return _labelled(items, [name], given, [])


def _labelled(
    items: Iterable[Item],
    names: Iterable[str],
    given: Given,
    notes: list[str],
    singles: bool = True,
) -> Labelled:
    kept = [one for one in items if any(given.get(one.key, {}).values())]
    if not kept:
        said = "; ".join(notes)
        raise LabelError(f"no picture has a label{f': {said}' if said else ''}")
    columns = []
    for name in names:
        column = _column(name, [given[one.key][name] for one in kept])
        counts = column.counts
        single = [label for label, n in zip(column.classes, counts, strict=True) if n == 1]
        if without := len(kept) - int(counts.sum()):
            notes.append(f"{name}: {without} of {len(kept)} labelled pictures have no label in it")
        if len(counts) < 2 or counts.max() < 2:
            notes.append(f"{name}: left out, since {_useless(column)}")
            continue
        if single and singles:
            notes.append(f"{name}: {listed(single)} of one example: nothing can find it, so it "
                         "asks nothing and is only among what others must not find")  # fmt: skip
        columns.append(column)
    if not columns:
        raise LabelError(f"these labels tell nothing apart: {'; '.join(notes)}")
    return Labelled(tuple(kept), tuple(columns), tuple(notes))


def _column(name: str, labels: Sequence[str | None]) -> LabelColumn:
    classes = sorted({label for label in labels if label is not None})
    code = {label: at for at, label in enumerate(classes)}
    codes = [-1 if label is None else code[label] for label in labels]
    return LabelColumn(name, tuple(classes), np.array(codes, np.int32))


def _useless(column: LabelColumn) -> str:
    if not column.classes:
        return "it is empty"
    if len(column.classes) == 1:
        return f"all its labels are {column.classes[0]!r}"
    return f"none of its {len(column.classes)} classes has two examples"
