"""Changing an index item by item: pictures put in, metadata changed, items removed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from indexer.engine import Batch, Embedded, Original
from indexer.errors import ChangedError, IndexFolderError, UnknownKeyError
from indexer.files import digest_file
from indexer.local_engine import prepare
from indexer.media import is_media
from indexer.records import Item
from indexer.sources import Entry, Metadata
from indexer.staging import Work
from indexer.store import CatalogStore
from models.errors import HueweaveError, shorten
from models.extraction import Extractor
from models.images import Limits, ending_of
from models.preprocess import Pixels
from service.conditions import Condition
from service.item_values import check_key, check_metadata, merged, same_metadata
from service.stages import METER, stage

Result = Literal["created", "replaced", "patched", "unchanged", "removed"]
Prepared = tuple[Embedded, Pixels]
_NONE = Condition()
_FASTER = suppress(ChangedError)
"""Around a write that is tried again if somebody else changed the item first."""


@dataclass(frozen=True)
class Put:
    """A picture and its metadata, to be had under a key whatever was there before."""

    key: str
    data: bytes
    metadata: Metadata


@dataclass(frozen=True)
class Done:
    """What became of an item; ``item`` is as it was written, or as it was before it was removed."""

    key: str
    result: Result
    item: Item


class Editor:
    """Changes a store. Any thread may; each change is durable, and to be found, on return.

    ``extractor`` is called whenever there is something to embed, and only then.
    """

    def __init__(
        self,
        store: CatalogStore,
        extractor: Callable[[], Extractor],
        limits: Limits,
        *,
        threads: int = 1,
    ) -> None:
        """Pictures that are put together are decoded in so many ``threads``."""
        self._store, self._extractor = store, extractor
        self._limits, self._threads = limits, threads

    def put(self, put: Put, condition: Condition = _NONE) -> Done:
        """Let an item have this picture and metadata; of two at once the last to commit wins.

        Does nothing if it has them. Raises ItemError, PictureError, ColumnTypeError, or
        ConditionError if it is not what ``condition`` says.
        """
        prepared: Prepared | None = None
        check_put(put)
        while True:
            before = self._item(put.key, condition)
            if (found := self._unchanged(put, before)) is not None:
                return found
            prepared = prepared or self._prepared(put)
            self._store.declare([put.metadata])
            expected = {put.key: before} if condition.is_set else None
            with _FASTER:
                return self._add([prepared], expected)[0]

    def put_many(self, puts: Sequence[Put]) -> list[Done | HueweaveError]:
        """Put items of different keys, with one pass through the network, in one step.

        Each that fails has its error in place of what was done, and the others do not mind.
        """
        found: dict[int, Done | HueweaveError] = {}
        prepared: dict[int, Prepared] = {}
        for at, one in enumerate(self._looked_at(puts)):
            if isinstance(one, Done | HueweaveError):
                found[at] = one
                continue
            try:
                self._store.declare([puts[at].metadata])
                prepared[at] = one
            except HueweaveError as error:
                found[at] = error
        if prepared:
            try:
                done: Sequence[Done | HueweaveError] = self._add([*prepared.values()], None)
            except HueweaveError as error:
                done = [error] * len(prepared)
            found |= dict(zip(prepared, done, strict=True))
        return [found[at] for at in range(len(puts))]

    def patch(self, key: str, changes: Metadata, condition: Condition = _NONE) -> Done:
        """Merge ``changes`` into an item's metadata (RFC 7396); None removes a value.

        Of several at once none is lost. Raises UnknownKeyError, ItemError, ColumnTypeError or
        ConditionError.
        """
        check_metadata(changes)
        while True:
            before = self._known_item(key, condition)
            metadata = merged(before.metadata, changes)
            if same_metadata(metadata, before.metadata):
                return Done(key, "unchanged", before)
            self._store.declare([changes])
            with _FASTER, stage("write"):
                [item] = self._store.relabel({key: metadata}, {key: before})
                return Done(key, "patched", item)

    def remove(self, key: str, condition: Condition = _NONE) -> Done:
        """Remove an item; raises UnknownKeyError or ConditionError."""
        while True:
            before = self._known_item(key, condition)
            with _FASTER, stage("write"):
                self._store.remove([key], {key: before})
                return Done(key, "removed", before)

    def remove_many(self, keys: Sequence[str]) -> list[Done | HueweaveError]:
        """Remove items in one step; each that is not there has an UnknownKeyError."""
        while True:
            there = {key: self._store.item(key) for key in dict.fromkeys(keys)}
            live = [key for key, item in there.items() if item is not None]
            with _FASTER, stage("write"):
                if live:
                    self._store.remove(live, there)
                return [
                    Done(key, "removed", item)
                    if (item := there.pop(key, None)) is not None
                    else unknown(key)
                    for key in keys
                ]

    def _item(self, key: str, condition: Condition) -> Item | None:
        """Return the item as it is now, which is what ``condition`` says."""
        item = self._store.item(key)
        condition.check(key, item)
        return item

    def _known_item(self, key: str, condition: Condition) -> Item:
        item = self._store.item(key)
        if item is None:
            raise unknown(key)
        condition.check(key, item)
        return item

    def _looked_at(self, puts: Sequence[Put]) -> Iterator[Done | Prepared | HueweaveError]:
        if self._threads == 1 or len(puts) == 1:
            yield from map(self._look_at, puts)
        else:
            with ThreadPoolExecutor(self._threads, thread_name_prefix="decode") as threads:
                yield from threads.map(self._look_at, puts)

    def _look_at(self, put: Put) -> Done | Prepared | HueweaveError:
        try:
            check_put(put)
            return self._unchanged(put, self._store.item(put.key)) or self._prepared(put)
        except HueweaveError as error:
            return error

    def _prepared(self, put: Put) -> Prepared:
        work = Work(Entry(put.key, Path(), put.metadata), len(put.data), None)
        preprocess = self._store.manifest.recipe.preprocess
        with stage("decode"):
            embedded, square = prepare(work, put.data, preprocess, self._limits)
            original = Original(put.data, ending_of(put.data, self._limits))
        return replace(embedded, original=original), square

    def _add(
        self, prepared: Sequence[Prepared], expected: Mapping[str, Item | None] | None
    ) -> list[Done]:
        """Embed pictures and store them."""
        names = list(self._store.manifest.pools)
        METER.get().batch(len(prepared), max(name.block for name in names))
        with stage("embed"):
            squares = np.stack([square for _, square in prepared])
            pools = self._extractor().extract(squares, names)
        with stage("write"):
            items = self._store.add(Batch([one for one, _ in prepared], (), pools), expected)
        return [
            Done(item.key, "created" if item.version == 1 else "replaced", item) for item in items
        ]

    def _unchanged(self, put: Put, item: Item | None) -> Done | None:
        """Return the item if it is what it shall be, its original and its pools being sound."""
        if item is None or not same_metadata(item.metadata, put.metadata):
            return None
        if item.digest != hashlib.sha256(put.data).hexdigest() or not self._is_sound(item):
            return None
        return Done(put.key, "unchanged", item)

    def _is_sound(self, item: Item) -> bool:
        try:
            path = self._store.locate(item)
            kept = is_media(item.source) and digest_file(path) == item.digest
            return kept and not self._store.damaged(np.array([item.slot], np.int64))
        except (IndexFolderError, OSError):
            return False


def check_put(put: Put) -> None:
    """Raise ItemError for a key or metadata that cannot be stored."""
    check_key(put.key)
    check_metadata(put.metadata)


def unknown(key: str) -> UnknownKeyError:
    """Return the error of a key that no item has."""
    return UnknownKeyError(f"no item has the key {shorten(key)!r}")
