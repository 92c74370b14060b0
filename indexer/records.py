"""What the catalog holds: items and failures, and how an item lies in a row of SQLite."""

import json
from dataclasses import asdict, dataclass
from zlib import crc32

from indexer.errors import CatalogError
from indexer.sources import Metadata
from models.dominant import Dominant

_SEALED = "key, version, slot, source, digest, size, mtime_ns, metadata, added, palette, checksums"
ITEM_COLUMNS = f"{_SEALED}, seal"
Palette = tuple[Dominant, ...]
Row = tuple[str, int, int, str, str, int, int, str, str, str | None, bytes | None, int | None]


@dataclass(frozen=True)
class Item:
    """One picture of the catalog. ``slot`` is the row of its pools, ``version`` counts up when
    it is replaced, ``source`` is where its picture lies (see ``indexer.media``), ``digest`` the
    SHA-256 of the picture's bytes, ``added`` an ISO 8601 moment in UTC. ``palette`` holds its
    dominant colors, the largest first; None if they were never looked for. ``checksums`` are
    those of its rows of pools; None in an index from before there were any."""

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
    checksums: bytes | None = None


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
        return Item(*row[:7], metadata, row[8], _palette(row[9]), row[10])
    except (TypeError, ValueError) as error:
        raise CatalogError(f"{what} of {row[0]!r} is damaged: {error}") from error


def row_of(item: Item) -> Row:
    """Return the row of an item."""
    text = metadata_text(item.metadata)
    palette = None if item.palette is None else json.dumps([asdict(one) for one in item.palette])
    values = (
        item.key, item.version, item.slot, item.source, item.digest, item.size, item.mtime_ns,
        text, item.added, palette, item.checksums,
    )  # fmt: skip
    return (*values, seal(*values))


def metadata_text(metadata: Metadata) -> str:
    """Return metadata as the catalog holds it."""
    return json.dumps(metadata, ensure_ascii=False)


def seal(*values: object) -> int:
    """Return a checksum of the other values of a row, in their order."""
    plain = [one.hex() if isinstance(one, bytes) else one for one in values]
    return crc32(json.dumps(plain).encode())


def sealed(**changed: str) -> str:
    """Return the SQL that gives a row its seal when the ``changed`` columns get these values."""
    names = [changed.get(name, f"items.{name}") for name in _SEALED.split(", ")]
    return f"seal({', '.join(names)})"


def _palette(text: str | None) -> Palette | None:
    return None if text is None else tuple(Dominant(**one) for one in json.loads(text))
