"""The labels to learn from: one column of them, classes of enough examples, and everything else."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from indexer.records import Item
from indexer.spaces import Slots
from indexer.store import CatalogStore
from models.errors import UnknownNameError
from service.evaluation.labels import LabelFile, read_labels
from service.evaluation.matching import Labelled, match_columns, match_file
from service.evaluation.pairing import listed
from service.learning.arrays import Codes
from service.learning.errors import LearningError

LEAST = 4
"""Examples of a class: fewer cannot be learned from and held out, too."""
CONFIDENCE = "_confidence"
"""What the name of a column of values that were guessed ends in, after the column's own name."""


@dataclass(frozen=True)
class Labels:
    """Items with a label of ``column``, their (n,) ``codes`` of ``classes``, and the ``others``
    that have none. Items of classes too small to learn are in neither; ``notes`` say so."""

    column: str
    source: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    codes: Codes
    others: tuple[Item, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> list[int]:
        """How many examples each class has."""
        return [int(count) for count in np.bincount(self.codes, minlength=len(self.classes))]


def slots_of(items: tuple[Item, ...]) -> Slots:
    """Return (n,) slots of ``items``."""
    return np.array([item.slot for item in items], np.int64)


def find_labels(store: CatalogStore, name: str, file: Path | None, column: str | None) -> Labels:
    """Return the labels called ``column``, or ``name``, in ``file`` or else in the metadata.

    A file with a single column of labels need not call it so. Classes of one example are left
    out. Values that were guessed by `hueweave tag` are no labels. Raises LabelError, SourceError
    or UnknownNameError.
    """
    if file is None:
        wanted = column or name
        found = match_columns(store, (wanted,), singles=False)
        return _labels(store, _without_guesses(found), "metadata")
    read = _column_of(read_labels(file), file, name, column)
    return _labels(store, match_file(store, read, singles=False), str(file))


def with_enough(labels: Labels, least: int = LEAST) -> Labels:
    """Return those classes alone that have ``least`` examples; raises LearningError if there are
    not two of them."""
    counts = labels.counts
    kept = [code for code, count in enumerate(counts) if count >= least]
    if len(kept) == len(counts):
        return labels
    there = [code for code in range(len(counts)) if counts[code]]
    named = [f"{labels.classes[code]} ({counts[code]})" for code in there]
    small = [labels.classes[code] for code in there if code not in kept]
    if len(kept) < 2:
        raise LearningError(
            f"{labels.column}: too few labels to learn from: at least two classes need {least} "
            f"examples each, there is {', '.join(named[:10])}"
        )
    notes = labels.notes
    if small:
        notes += (f"{labels.column}: {listed(small)} left out, of fewer than {least} examples",)
    new = np.full(len(counts), -1, np.int32)
    new[kept] = np.arange(len(kept))
    codes = new[labels.codes]
    rows = np.flatnonzero(codes >= 0)
    return replace(
        labels,
        classes=tuple(labels.classes[code] for code in kept),
        items=tuple(labels.items[row] for row in rows),
        codes=codes[rows],
        notes=notes,
    )


def _column_of(read: LabelFile, file: Path, name: str, column: str | None) -> LabelFile:
    if column is None:
        column = name if name in read.columns or len(read.columns) > 1 else read.columns[0]
    if column not in read.columns:
        raise UnknownNameError("label column", column, read.columns)
    if read.columns == (column,):
        return read
    rows = (replace(row, labels={column: row.labels[column]}) for row in read.rows)
    return LabelFile(str(file), (column,), tuple(rows))


def _without_guesses(found: Labelled) -> Labelled:
    confidence = found.columns[0].name + CONFIDENCE
    labelled = [at for at, item in enumerate(found.items) if item.metadata.get(confidence) is None]
    if guessed := len(found.items) - len(labelled):
        note = f"{found.columns[0].name}: {guessed} values are guesses of hueweave tag: no labels"
        found = replace(found.part(np.array(labelled, np.int64)), notes=(*found.notes, note))
    return found


def _labels(store: CatalogStore, found: Labelled, source: str) -> Labels:
    [column] = found.columns
    known = {item.key for item in found.items}
    labels = Labels(
        column=column.name,
        source=source,
        classes=column.classes,
        items=found.items,
        codes=column.codes,
        others=tuple(item for item in store.items() if item.key not in known),
        notes=found.notes,
    )
    return with_enough(labels, 2)
