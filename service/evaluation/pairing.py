"""Rows of a file of labels brought to pictures, each with one label a column or none."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.evaluation.labels import LabelRow

Given = dict[str, dict[str, str | None]]
_SHOWN = 3


@dataclass(frozen=True)
class Paired:
    """The labels of each key by column; rows of no picture, as written; the keys of each column
    that have two labels in it, which count as none; how many rows name a picture again."""

    given: Given
    missing: tuple[str, ...]
    conflicts: dict[str, tuple[str, ...]]
    repeated: int

    def notes(self, unreadable: Collection[str] = ()) -> list[str]:
        """Return in words what was left out; of ``missing``, some may be known as unreadable."""
        notes = []
        if unread := [name for name in self.missing if name in unreadable]:
            notes.append(f"{listed(unread)} labelled, but could not be read")
        if gone := [name for name in self.missing if name not in unreadable]:
            notes.append(f"{listed(gone)} labelled, but not among the pictures: passed over")
        for name, keys in self.conflicts.items():
            notes.append(f"{name}: {listed(keys)} labelled twice, differently: left out")
        if self.repeated and not self.conflicts:
            notes.append(
                f"pictures named again with the same labels count once: {self.repeated} rows"
            )
        return notes


def pair(
    rows: Iterable[LabelRow], keys: Collection[str], places: Callable[[], dict[str, str]]
) -> Paired:
    """Return the labels of the pictures that have ``keys``, found by key, else by where they lie.

    ``places`` returns the key of each real path; it is asked only if a row needs it.
    """
    given: Given = {}
    missing: list[str] = []
    conflicts: dict[str, dict[str, None]] = {}
    repeated = 0
    for row, key in _found(rows, keys, places):
        if key is None:
            missing.append(row.written)
            continue
        if key not in given:
            given[key] = dict(row.labels)
            continue
        repeated += 1
        for name, label in row.labels.items():
            before = given[key][name]
            if before is None:
                given[key][name] = label
            elif label not in (None, before):
                conflicts.setdefault(name, {})[key] = None
    for name, unclear in conflicts.items():
        for key in unclear:
            given[key][name] = None
    twice = {name: tuple(unclear) for name, unclear in conflicts.items()}
    return Paired(given, tuple(missing), twice, repeated)


def listed(names: Sequence[str]) -> str:
    """Return the first of ``names``, how many more there are, and the verb that fits."""
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more}{' is' if len(names) == 1 else ' are'}"


def _found(
    rows: Iterable[LabelRow], keys: Collection[str], places: Callable[[], dict[str, str]]
) -> Iterator[tuple[LabelRow, str | None]]:
    """Yield each row with the key of its picture, None if there is none."""
    by_place: dict[str, str] | None = None
    for row in rows:
        if row.key is not None or row.written in keys:
            yield row, row.written if row.written in keys else None
            continue
        if by_place is None:
            by_place = places()
        assert row.path is not None
        yield row, None if "\0" in row.written else by_place.get(os.path.realpath(row.path))
