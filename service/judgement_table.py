"""Judgements as a table: written as CSV, read from one."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from indexer.errors import SourceError
from indexer.feedback import Judgement, Shown
from indexer.store import CatalogStore
from indexer.tables import CsvTable
from models.errors import shorten
from service.errors import FeedbackError
from service.judgements import JudgementView, view
from service.judging import Recorded, recorded

COLUMNS = ("id", "time", "attribute", "query", "hit", "judgement", "usable", "key_id")
WORDS = {True: "same", False: "different"}
_TEXTS = ("attribute", "query", "hit", "judgement")
_CHUNK = 1000


@dataclass(frozen=True)
class Imported:
    """What became of a table's judgements, and how many rows were left out, by reason."""

    recorded: Recorded
    left_out: dict[str, int]


def views(store: CatalogStore, attribute: str | None = None) -> Iterator[JudgementView]:
    """Yield all judgements of an attribute, or of all, in order of id."""
    last = 0
    while found := store.feedback.page(attribute, last, _CHUNK):
        yield from view(store, found)
        last = found[-1].id


def asked(one: JudgementView) -> str:
    """Return what was searched with as one word: a key, or what no key looks like."""
    query = one.query
    if query.key is not None:
        return query.key
    if query.palette is None:
        return f"sha256:{query.sha256}"
    return "palette:" + json.dumps([[color.color, color.share] for color in query.palette])


def write_csv(judgements: Iterator[JudgementView], file: TextIO) -> None:
    """Write judgements under a header."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in judgements:
        usable, key_id = str(one.usable).lower(), one.key_id or ""
        word = WORDS[one.same]
        writer.writerow(
            [one.id, one.time, one.attribute, asked(one), one.hit, word, usable, key_id]
        )


def import_csv(store: CatalogStore, path: Path, attribute: str | None, most: int) -> Imported:
    """Record the judgements of a CSV file, all that can be or none: columns ``query`` and ``hit``
    hold keys, ``judgement`` same or different, ``attribute`` a name unless one is given.

    Raises SourceError for a file that cannot be read, FeedbackError if no row can be used.
    """
    table = CsvTable(path, _TEXTS)
    wanted = ["query", "hit", "judgement", *([] if attribute else ["attribute"])]
    if missing := [name for name in wanted if name not in table.columns]:
        hint = " (or name one with --attribute)" if missing == ["attribute"] else ""
        raise SourceError(f"{str(path)!r} has no column {missing[0]!r}{hint}")
    found, left_out = list[Judgement](), dict[str, int]()
    rows = [(number, {name: str(row.get(name) or "") for name in _TEXTS})
            for number, row in table.rows()]  # fmt: skip
    items = _items(store, sorted({row[side] for _, row in rows for side in ("query", "hit")}))
    for number, row in rows:
        same = _is_same(row["judgement"], path, number)
        query, hit = items.get(row["query"]), items.get(row["hit"])
        name = attribute or row["attribute"]
        if not name:
            raise SourceError(f"{str(path)!r}, line {number}: attribute is empty")
        if query is None or hit is None:
            reason = "name a key that no item has"
        elif query == hit:
            reason = "compare an item with itself"
        else:
            found.append(Judgement(name, query, hit, same))
            continue
        left_out[reason] = left_out.get(reason, 0) + 1
    if not found:
        said = "; ".join(f"{count} {reason}" for reason, count in left_out.items()) or "it is empty"
        raise FeedbackError(f"no row of {str(path)!r} can be used: {said}")
    return Imported(recorded(store.feedback.put(found, {}, most)), left_out)


def _items(store: CatalogStore, keys: list[str]) -> dict[str, Shown]:
    items = {key: store.item(key) for key in keys}
    return {key: Shown(one.key, one.version, one.slot) for key, one in items.items() if one}


def _is_same(word: str, path: Path, number: int) -> bool:
    if word.strip().lower() not in WORDS.values():
        raise SourceError(
            f"{str(path)!r}, line {number}: judgement is {shorten(word)!r}: expected same or "
            "different"
        )
    return word.strip().lower() == WORDS[True]
