"""Conditions on a change: that an item is still what its writer saw (RFC 9110, 13.1)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from indexer.records import Item, metadata_text
from models.errors import shorten
from service.errors import ConditionError

ANY = "*"


def tag_of(item: Item) -> str:
    """Return the entity tag of an item: another one for other bytes, metadata or version."""
    content = item.digest + metadata_text(item.metadata)
    return f'"{item.version}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"'


@dataclass(frozen=True)
class Condition:
    """The entity tags of which an item must have one, and those of which it must have none.

    None is no condition, ``*`` stands for any item that is there.
    """

    match: tuple[str, ...] | None = None
    none_match: tuple[str, ...] | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any condition."""
        return self.match is not None or self.none_match is not None

    def check(self, key: str, item: Item | None) -> None:
        """Raise ConditionError unless ``item``, which has ``key`` if there is one, is as wanted."""
        tag = None if item is None else tag_of(item)
        if self.match is not None and (tag is None or not _has(self.match, tag)):
            found = "there is no such item" if tag is None else f"it is {tag} by now"
            wanted = shorten(", ".join(self.match))
            raise ConditionError(f"item {shorten(key)!r} does not match {wanted}: {found}")
        unwanted = tuple(one.removeprefix("W/") for one in self.none_match or ())
        if tag is not None and _has(unwanted, tag):
            raise ConditionError(f"item {shorten(key)!r} is there already, as {tag}")


def read_condition(match: Iterable[str], none_match: Iterable[str]) -> Condition:
    """Return the condition in the values of the headers If-Match and If-None-Match."""
    return Condition(_tags(match), _tags(none_match))


def _tags(values: Iterable[str]) -> tuple[str, ...] | None:
    found = list(values)
    return tuple(one.strip() for one in ",".join(found).split(",")) if found else None


def _has(tags: tuple[str, ...], tag: str) -> bool:
    return tag in tags or ANY in tags
