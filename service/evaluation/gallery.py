"""The pictures of a report: each is in the page once, however often it is shown."""

import base64
import io
from dataclasses import dataclass, field

from indexer.records import Item
from indexer.store import CatalogStore
from models.errors import HueweaveError
from models.images import Limits, decode
from service.pictures import read_indexed
from service.thumbnails import fit

_SIDE = 112


@dataclass(frozen=True)
class Picture:
    """A small picture: the ``name`` it is referred to by in the page, its size in pixels, and its
    WebP as a data URI."""

    name: str
    width: int
    height: int
    data: str


@dataclass
class Gallery:
    """Small pictures of items, each made once."""

    store: CatalogStore
    limits: Limits
    _made: dict[str, Picture | None] = field(default_factory=dict)

    def of(self, item: Item) -> Picture | None:
        """Return the picture of ``item``; None if it is not there any more."""
        if item.key not in self._made:
            self._made[item.key] = self._make(item)
        return self._made[item.key]

    @property
    def pictures(self) -> list[Picture]:
        """All that were asked for and are there."""
        return [one for one in self._made.values() if one]

    def _make(self, item: Item) -> Picture | None:
        try:
            data = read_indexed(item, self.store.locate(item), self.limits)
            image = fit(decode(data, self.limits, at_least=_SIDE), _SIDE)
        except HueweaveError:
            return None
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=75, method=4)
        coded = base64.b64encode(buffer.getvalue()).decode()
        return Picture(f"p{len(self._made)}", *image.size, f"data:image/webp;base64,{coded}")
