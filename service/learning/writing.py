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

    A value that is there stays, unless ``overwrite``; then an earlier guess goes, too, where
    nothing can be said any more. Items that were replaced or removed since they were looked at are
    passed over. Raises IndexBusyError, ColumnTypeError, LearningError or
    ItemError; then what was written stays, a thousand items at a time.
    """
    written = 0
    with open_for_writing(folder) as store:
        given = iter(tags)
        while run := list(islice(given, _TOGETHER)):
            changes = _changes(store, column, run, overwrite)
            store.declare(changes.values())
            store.relabel(changes)
            written += sum(column in one for one in changes.values())
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
        kept = {k: v for k, v in item.metadata.items() if k not in (column, column + CONFIDENCE)}
        if one.value is None:
            if overwrite and item.metadata.get(column + CONFIDENCE) is not None:
                changes[item.key] = kept
            continue
        if item.metadata.get(column) is not None and not overwrite:
            continue
        guessed = {column: typed(one.value, kind, column),
                   column + CONFIDENCE: round(one.confidence, _DIGITS)}  # fmt: skip
        changes[item.key] = check_metadata({**kept, **guessed})
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
