"""Many changes as lines of JSON: what a line says, and what becomes of it."""

import base64
import binascii
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from indexer.sources import Metadata
from models.errors import HueweaveError, PictureError, shorten
from service.editing import Done, Editor, Put
from service.errors import LineError
from service.faults import describe_invalid
from service.item_values import check_metadata

log = logging.getLogger(__name__)
LINES = "application/x-ndjson"
_AT_ONCE = 8
# Pictures of more bytes are stored before others are read, for the memory's sake.
_PUT_OFF = 64 * 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    key: str


class PutLine(_Part):
    """A picture, in one of two ways, and its metadata."""

    base64: str | None = None
    url: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_picture(self) -> "PutLine":
        if (self.base64 is None) == (self.url is None):
            raise ValueError("expected exactly one of base64 and url")
        return self


class PatchLine(_Part):
    """Changes to an item's metadata, merged in as RFC 7396 says: null removes a value."""

    metadata: dict[str, Any]


class DeleteLine(_Part):
    """An item to remove."""


class BulkLine(BaseModel):
    """One line of a bulk request: exactly one of the three."""

    model_config = ConfigDict(extra="forbid", strict=True)

    put: PutLine | None = None
    patch: PatchLine | None = None
    delete: DeleteLine | None = None

    @model_validator(mode="after")
    def _one_change(self) -> "BulkLine":
        if sum(one is not None for one in (self.put, self.patch, self.delete)) != 1:
            raise ValueError("expected exactly one of put, patch and delete")
        return self


@dataclass(frozen=True)
class Patch:
    """Changes to an item's metadata."""

    key: str
    changes: Metadata


@dataclass(frozen=True)
class Remove:
    """An item to remove."""

    key: str


@dataclass(frozen=True)
class Failed:
    """A change that was not made, and the key that it names, if that much can be told."""

    key: str | None
    error: Exception


Change = Put | Patch | Remove
Outcome = Done | Failed


def read_change(line: bytes, fetch: Callable[[str], bytes]) -> Change | Failed:
    """Return what a line asks for, its picture fetched if it is named by address."""
    try:
        found = BulkLine.model_validate_json(line)
    except ValidationError as error:
        faults = error.errors()
        first = faults[0]
        broken = first["type"] == "json_invalid"
        why = f"it is not JSON: {first['ctx']['error']}" if broken else describe_invalid(faults)
        return Failed(None, LineError(why))
    asked = found.put or found.patch or found.delete
    assert asked is not None
    try:
        if isinstance(asked, PutLine):
            return Put(asked.key, _picture(asked, fetch), check_metadata(asked.metadata))
        if isinstance(asked, PatchLine):
            return Patch(asked.key, check_metadata(asked.metadata))
        return Remove(asked.key)
    except HueweaveError as error:
        return Failed(asked.key, error)


def read_changes(
    lines: Sequence[bytes], fetch: Callable[[str], bytes]
) -> Iterator[Change | Failed]:
    """Yield what lines ask for; if pictures are to be fetched, some are read at once."""
    if not any(b'"url"' in line for line in lines):
        yield from (read_change(line, fetch) for line in lines)
        return
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lines") as threads:
        for at in range(0, len(lines), _AT_ONCE):
            some = lines[at : at + _AT_ONCE]
            yield from threads.map(lambda line: read_change(line, fetch), some)


def line_of(change: Change) -> bytes:
    """Return the line that asks for ``change``, with its end."""
    if isinstance(change, Put):
        picture = base64.b64encode(change.data).decode()
        line: dict[str, Any] = {
            "put": {"key": change.key, "base64": picture, "metadata": change.metadata}
        }
    elif isinstance(change, Patch):
        line = {"patch": {"key": change.key, "metadata": change.changes}}
    else:
        line = {"delete": {"key": change.key}}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def apply(editor: Editor, changes: Iterable[Change | Failed]) -> list[Outcome]:
    """Make changes and return what became of each, in their order.

    Pictures put share a pass through the network, and removals a step, but changes of one item
    are made in the order in which they come.
    """
    run = _Run(editor)
    for change in changes:
        run.take(change)
    return run.outcomes()


class _Run:
    """Changes under way: those put off until more of their kind have come, by their place."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._outcomes: dict[int, Outcome] = {}
        self._puts: dict[str, tuple[int, Put]] = {}
        self._removals: dict[str, int] = {}
        self._count = self._size = 0

    def take(self, change: Change | Failed) -> None:
        """Make a change, or put it off."""
        at, self._count = self._count, self._count + 1
        if isinstance(change, Failed):
            self._outcomes[at] = change
            return
        if change.key in self._puts:
            self._put()
        if change.key in self._removals:
            self._remove()
        if isinstance(change, Put):
            self._puts[change.key] = at, change
            self._size += len(change.data)
            if self._size > _PUT_OFF:
                self._put()
        elif isinstance(change, Remove):
            self._removals[change.key] = at
        else:
            patch = change
            self._note([at], [patch.key], lambda: [self._editor.patch(patch.key, patch.changes)])

    def outcomes(self) -> list[Outcome]:
        """Make what was put off and return what became of every change."""
        self._put()
        self._remove()
        return [self._outcomes[at] for at in range(self._count)]

    def _put(self) -> None:
        puts = [one for _, one in self._puts.values()]
        places = [at for at, _ in self._puts.values()]
        self._puts, self._size = {}, 0
        if puts:
            keys = [one.key for one in puts]
            self._note(places, keys, lambda: self._editor.put_many(puts))

    def _remove(self) -> None:
        removals, self._removals = self._removals, {}
        if removals:
            keys = list(removals)
            self._note([*removals.values()], keys, lambda: self._editor.remove_many(keys))

    def _note(
        self,
        places: Sequence[int],
        keys: Sequence[str],
        call: Callable[[], Sequence[Done | HueweaveError]],
    ) -> None:
        """Take note of what ``call`` does; one failure must not take the other changes along."""
        try:
            found: Sequence[Done | Exception] = call()
        except HueweaveError as error:
            found = [error] * len(places)
        except Exception as error:
            log.exception("changes of %s failed", shorten(", ".join(map(repr, keys))))
            found = [error] * len(places)
        for at, key, one in zip(places, keys, found, strict=True):
            self._outcomes[at] = one if isinstance(one, Done) else Failed(key, one)


def _picture(line: PutLine, fetch: Callable[[str], bytes]) -> bytes:
    if line.url is not None:
        return fetch(line.url)
    try:
        return base64.b64decode(line.base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"base64: it is not base64: {error}") from error
