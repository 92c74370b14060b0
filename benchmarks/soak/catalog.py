"""What one client knows of the catalog: the items that are its own."""

import io
from dataclasses import dataclass, field
from random import Random
from typing import Any

from PIL import Image

KINDS = ("dots", "stripes", "plain")
_FORMATS = ("PNG", "PNG", "WEBP", "BMP")

Metadata = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """An item as the server acknowledged it."""

    data: bytes
    metadata: Metadata
    version: int


@dataclass
class Part:
    """A client's own part of the catalog; nobody else changes it."""

    owner: str
    random: Random
    items: dict[str, Known] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    _serial: int = 0

    def new_key(self) -> str:
        """Return a key that no item has; seldom one that an item had."""
        if self.removed and self.random.random() < 0.2:
            return self.removed.pop(self.random.randrange(len(self.removed)))
        self._serial += 1
        return f"{self.owner}/{self._serial:05} é.png"

    def some_key(self) -> str:
        """Return the key of an item."""
        return self.random.choice(sorted(self.items))

    def forget(self, key: str) -> None:
        """The item was removed."""
        del self.items[key]
        self.removed.append(key)

    def picture(self) -> bytes:
        """Return a picture that is like no other: 4 by 4 squares, none near white."""
        squares = bytes(value % 200 for value in self.random.randbytes(48))
        image = Image.frombytes("RGB", (4, 4), squares).resize((16, 16), Image.Resampling.NEAREST)
        file = io.BytesIO()
        image.save(file, self.random.choice(_FORMATS), lossless=True)
        return file.getvalue()

    def metadata(self) -> Metadata:
        """Return metadata for an item."""
        made = {
            "owner": self.owner,
            "kind": self.random.choice(KINDS),
            "price": self.random.randint(0, 99),
            "sold": self.random.random() < 0.5,
        }
        if self.random.random() < 0.3:
            del made["sold"]
        return made

    def changes(self) -> Metadata:
        """Return changes to an item's metadata."""
        return self.random.choice(
            (
                {"price": self.random.randint(0, 99)},
                {"kind": self.random.choice(KINDS), "sold": None},
                {"sold": True},
                {},
            )
        )


def merged(metadata: Metadata, changes: Metadata) -> Metadata:
    """Return metadata as a patch leaves it."""
    found = {**metadata, **changes}
    return {name: value for name, value in found.items() if value is not None}
