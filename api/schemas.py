"""What the API returns besides answers to queries."""

from pydantic import BaseModel

from api.urls import Addresses
from indexer.records import Item
from service.palette import PaletteColor, rank_colors


class ItemView(BaseModel):
    """One item of the index."""

    key: str
    version: int
    digest: str
    size: int
    added: str
    metadata: dict[str, str | int | float | bool | None]
    palette: list[PaletteColor] | None
    image_url: str
    thumbnail_url: str


class ItemPage(BaseModel):
    """Items in order of key; ``next`` is the key to go on after, if there are more."""

    items: list[ItemView]
    next: str | None = None


class AttributeView(BaseModel):
    """A name to search by, and the blocks it looks at."""

    name: str
    space: str
    blocks: list[int]
    metric: str


class Attributes(BaseModel):
    """What can be searched by: attributes by name, and any of the stored blocks."""

    attributes: list[AttributeView]
    blocks: list[int]


class Reloaded(BaseModel):
    """The index as it is now."""

    name: str
    items: int
    generation: int | None


class Status(BaseModel):
    """Whether the service is up."""

    status: str


def view_item(item: Item, links: Addresses) -> ItemView:
    """Return an item as the API shows it; the path of its source stays inside."""
    return ItemView(
        key=item.key,
        version=item.version,
        digest=item.digest,
        size=item.size,
        added=item.added,
        metadata=item.metadata,
        palette=None if item.palette is None else rank_colors(item.palette),
        image_url=links.of("images", item.key),
        thumbnail_url=links.of("thumbnails", item.key),
    )
