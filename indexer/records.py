"""What the catalog holds: items and failures, and how an item lies in a row of SQLite."""

import json
from dataclasses import dataclass

from indexer.errors import CatalogError
from indexer.sources import Metadata

ITEM_COLUMNS = "key, version, slot, source, digest, size, mtime_ns, metadata, added"
Row = tuple[str, int, int, str, str, int, int, str, str]


@dataclass(frozen=True)
class Item:
    """One picture of the catalog. ``slot`` is the row of its pools, ``version`` counts up when
    it is replaced, ``digest`` is the SHA-256 of the picture's bytes, ``added`` an ISO 8601 moment
    in UTC."""

    key: str
    version: int
    slot: int
    source: str
    digest: str
    size: int
    mtime_ns: int
    metadata: Metadata
    added: str


@dataclass(frozen=True)
class Failure:
    """A picture that could not be read, and why."""

    key: str
    source: str
    size: int | None
    mtime_ns: int | None
    reason: str


def item_of(row: Row) -> Item:
    """Return the item in a row; raises CatalogError if it is damaged."""
    try:
        return Item(*row[:7], json.loads(row[7]), row[8])
    except (TypeError, ValueError) as error:
        raise CatalogError(f"metadata of {row[0]!r} is damaged: {error}") from error


def row_of(item: Item) -> Row:
    """Return the row of an item."""
    text = json.dumps(item.metadata, ensure_ascii=False)
    return (
        item.key, item.version, item.slot, item.source, item.digest, item.size, item.mtime_ns,
        text, item.added,
    )  # fmt: skip
