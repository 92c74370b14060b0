"""What generated requests are made of where a schema's own strings would find nothing: keys and
columns that there are, pictures, lines of bulk requests."""

import base64
import io
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from PIL import Image

COLUMNS: dict[str, list[Any]] = {
    "name": ["dots", "stripes", "été 🧵", ""],
    "price": [0, 1, -7, 2**40],
    "width": [0.5, 1.5, -2.25],
    "sold": [True, False],
}
"""Columns of metadata that the items have, each with its values."""
KEYS = (
    *(f"{at:03}.png" for at in range(16)),
    "shoes/red one.png",
    "été/🧵?#%2F.png",
    "a//b/../c",
    "line\nbreak",
    "images/items",
)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


class Dice(Random):
    """A source of chance that lets nothing go wrong on purpose while it is ``careful``."""

    careful = False

    def seldom(self, share: float = 0.1) -> bool:
        """Return True in this share of calls."""
        return not self.careful and self.random() < share


@dataclass
class Pool:
    """Values that requests are mended with; cursors and signed addresses come from answers."""

    cursors: list[str] = field(default_factory=list)
    signed: dict[str, list[tuple[str, dict[str, str]]]] = field(default_factory=dict)
    """By path: keys, each with the query of the signed address of its picture."""


def picture(random: Dice) -> bytes:
    """Return a small picture, seldom a damaged one."""
    image = Image.new("RGB", (random.randint(1, 24), random.randint(1, 24)), _color(random))
    image.paste(_color(random), (0, 0, random.randint(1, 12), random.randint(1, 12)))
    buffer = io.BytesIO()
    image.save(buffer, random.choice(_FORMATS))
    data = buffer.getvalue()
    return data[: random.randint(0, len(data))] if random.seldom(0.05) else data


def pictured(random: Dice) -> str:
    """Return a picture in base64."""
    return base64.b64encode(picture(random)).decode()


def key(random: Dice) -> str:
    """Return the key of an item, or seldom one that no item has."""
    return "no such item" if random.seldom() else random.choice(KEYS)


def metadata(random: Dice, *, patch: bool = False) -> dict[str, Any]:
    """Return values of some columns."""
    names = random.sample(sorted(COLUMNS), random.randint(0, len(COLUMNS)))
    found = {name: random.choice(COLUMNS[name]) for name in names}
    if patch and found and random.random() < 0.3:
        found[random.choice(sorted(found))] = None
    return found


def condition(random: Dice, depth: int = 2) -> dict[str, Any]:
    """Return a filter."""
    kind = random.choice(("eq", "in", "range", "exists", "and", "or", "not", "shows"))
    if kind in ("and", "or"):
        inner = [condition(random, depth - 1) for _ in range(random.randint(1, 3))]
        return {kind: inner} if depth else {"column": "sold", "exists": True}
    if kind == "not":
        return {"not": condition(random, depth - 1)} if depth else {"and": []}
    if kind == "shows":
        return {"shows": random.choice(("red", "green", "blue", "grey"))}
    column = random.choice(sorted(COLUMNS))
    values = COLUMNS[column]
    if kind == "in":
        return {"column": column, "in": random.sample(values, random.randint(1, len(values)))}
    if kind == "exists":
        return {"column": column, "exists": random.random() < 0.5}
    if kind == "range" and column != "sold":
        bounds = random.sample(("gt", "gte", "lt", "lte"), random.randint(1, 2))
        return {"column": column, **{bound: random.choice(values) for bound in bounds}}
    return {"column": column, "eq": random.choice(values)}


def lines(random: Dice) -> bytes:
    """Return the body of a bulk request, most of whose lines are right."""
    return b"".join(_line(random) for _ in range(random.randint(0, 8)))


def _line(random: Dice) -> bytes:
    kind = random.choice(("put", "put", "patch", "delete", "wrong"))
    if kind == "wrong":
        wrong = (b"{", b"[]", b"null", b'{"put": {}}', b"\xff\xfe", b"", b'{"delete": {"key": 1}}')
        return random.choice(wrong) + b"\n"
    asked: dict[str, Any] = {"key": key(random)}
    if kind == "put":
        asked |= {"base64": pictured(random), "metadata": metadata(random)}
    elif kind == "patch":
        asked["metadata"] = metadata(random, patch=True)
    return json.dumps({kind: asked}).encode() + random.choice((b"\n", b"\r\n"))


def _color(random: Dice) -> tuple[int, int, int]:
    return (random.randint(0, 255), random.randint(0, 255), random.randint(0, 255))
