"""Values that were guessed, written into the metadata of their items."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from indexer.local import LocalStore, open_for_writing
from indexer.sources import Metadata
from indexer.tables import Value
from service.item_values import check_metadata
from service.learning.errors import LearningError
from service.learning.labels import CONFIDENCE
from service.learning.tagging import Tag

_TOGETHER = 1000
_DIGITS = 3


def write_tags(folder: Path, column: str, tags: Sequence[Tag], *, overwrite: bool) -> int:
    """Write values into ``column`` and confidences beside it; return how many items have one now.

    A value that is there stays, unless ``overwrite``. Items that were replaced or removed since
    they were looked at are passed over. Raises IndexBusyError, ColumnTypeError, LearningError or
    ItemError; then what was written stays, a thousand items at a time.
    """
    written = 0
    with open_for_writing(folder) as store:
        given = iter([one for one in tags if one.value is not None])
        while run := list(islice(given, _TOGETHER)):
            changes = _changes(store, column, run, overwrite)
            store.declare(changes.values())
            store.relabel(changes)
            written += len(changes)
    return written


def _changes(
    store: LocalStore, column: str, tags: Sequence[Tag], overwrite: bool
) -> dict[str, Metadata]:
    kind = store.columns().get(column, ("text", False))[0]
    changes = dict[str, Metadata]()
    for one in tags:
        item = store.item(one.item.key)
        if item is None or item.slot != one.item.slot:
            continue
        if item.metadata.get(column) is not None and not overwrite:
            continue
        assert one.value is not None
        guessed = {column: typed(one.value, kind, column),
                   column + CONFIDENCE: round(one.confidence, _DIGITS)}  # fmt: skip
        changes[item.key] = check_metadata({**item.metadata, **guessed})
    return changes


def typed(label: str, kind: str, column: str) -> Value:
    """Return a label as a column of type ``kind`` holds it; raises LearningError if it cannot."""
    try:
        if kind == "integer":
            return int(label)
        if kind == "number":
            return float(label)
        if kind == "boolean":
            return {"true": True, "false": False}[label]
    except (ValueError, KeyError):
        raise LearningError(
            f"label {label!r} is no {kind}, which column {column!r} of the index holds: write it "
            "to a file with --csv"
        ) from None
    return label
