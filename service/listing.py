"""The list of a server's indexes: the answer of GET /v1/indexes."""

from contextlib import closing

from pydantic import BaseModel, Field

from indexer.local import LocalStore
from indexer.store import CatalogStore
from models.errors import HueweaveError
from service.errors import UnknownIndexError
from service.indexes import Indexes


class IndexEntry(BaseModel):
    """One index of several."""

    name: str
    open: bool = Field(description="Whether it is loaded; if not, it is at its first use.")
    items: int | None = Field(description="How many items it has; null if it cannot be read.")
    generation: int | None = Field(description="Counts the states of its derived files.")
    aliases: list[str]


class IndexList(BaseModel):
    """The indexes of a server."""

    indexes: list[IndexEntry]
    aliases: dict[str, str] = Field(description="From an alias to the index it stands for.")
    default: str | None = Field(description="The index behind the plain paths, if there is one.")


def list_indexes(indexes: Indexes) -> IndexList:
    """Return the indexes that are there now, in order of name, without loading any."""
    aliases = dict(indexes.aliases)
    try:
        default = indexes.find()
    except UnknownIndexError:
        default = None
    entries = []
    for name in indexes.places.names():
        stands_for_it = [alias for alias, index in aliases.items() if index == name]
        is_open, items, generation = _look(indexes, name)
        entries.append(
            IndexEntry(
                name=name,
                open=is_open,
                items=items,
                generation=generation,
                aliases=stands_for_it,
            )
        )
    return IndexList(indexes=entries, aliases=aliases, default=default)


def _look(indexes: Indexes, name: str) -> tuple[bool, int | None, int | None]:
    held = indexes.take(name)
    if held is not None:
        try:
            return True, held.opened.store.count(), generation_of(held.opened.store)
        finally:
            indexes.give_back(held)
    try:
        with closing(LocalStore(indexes.places.folder(name), read_only=True)) as store:
            return False, store.count(), generation_of(store)
    except (HueweaveError, OSError):  # damaged, or gone this moment
        return False, None, None


def generation_of(store: CatalogStore) -> int | None:
    """Return the number of the store's generation, if it has one yet."""
    generation = store.manifest.generation
    return generation.number if generation else None
