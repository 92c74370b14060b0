"""What the catalog holds: items and failures, and how an item lies in a row of SQLite."""

import json
from dataclasses import asdict, dataclass

from indexer.errors import CatalogError
from indexer.sources import Metadata
from models.dominant import Dominant

ITEM_COLUMNS = "key, version, slot, source, digest, size, mtime_ns, metadata, added, palette"
Palette = tuple[Dominant, ...]
Row = tuple[str, int, int, str, str, int, int, str, str, str | None]


@dataclass(frozen=True)
class Item:
    """One picture of the catalog. ``slot`` is the row of its pools, ``version`` counts up when
    it is replaced, ``digest`` is the SHA-256 of the picture's bytes, ``added`` an ISO 8601 moment
    in UTC. ``palette`` holds its dominant colors, the largest first; None if they were never
    looked for."""

    key: str
    version: int
    slot: int
    source: str
    digest: str
    size: int
    mtime_ns: int
    metadata: Metadata
    added: str
    palette: Palette | None


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
    what = "metadata"
    try:
        metadata = json.loads(row[7])
        what = "palette"
        return Item(*row[:7], metadata, row[8], _palette(row[9]))
    except (TypeError, ValueError) as error:
        raise CatalogError(f"{what} of {row[0]!r} is damaged: {error}") from error


def row_of(item: Item) -> Row:
    """Return the row of an item."""
    text = json.dumps(item.metadata, ensure_ascii=False)
    palette = None if item.palette is None else json.dumps([asdict(one) for one in item.palette])
    return (
        item.key, item.version, item.slot, item.source, item.digest, item.size, item.mtime_ns,
        text, item.added, palette,
    )  # fmt: skip


def _palette(text: str | None) -> Palette | None:
    return None if text is None else tuple(Dominant(**one) for one in json.loads(text))
