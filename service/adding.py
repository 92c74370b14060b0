"""Adding pictures one by one, and removing items: what a command asks of a folder or a server."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexer.errors import ColumnTypeError, IndexBusyError, SourceError, UnknownKeyError
from indexer.local import LocalStore
from indexer.sources import Entry, Metadata, check_not_empty, open_source
from indexer.staging import Plan
from indexer.watching import Watcher
from models.errors import HueweaveError, PictureError, shorten
from models.images import SUFFIXES, Limits, read_picture
from service.building import check_same_recipe
from service.bulk import Change, Outcome, Remove, apply
from service.editing import Done, Editor, Put, Result
from service.errors import ItemError
from service.item_values import check_key
from service.opening import index_folder, limits, pinned_extractor
from service.settings import Settings

if TYPE_CHECKING:
    from models.download import Progress
    from models.extraction import Extractor

# Pictures of more bytes are sent on before others are read.
_BYTES_AT_ONCE = 32 * 1024 * 1024
_OF_ONE_ITEM = (PictureError, ItemError, ColumnTypeError, UnknownKeyError)


@dataclass(frozen=True)
class Changed:
    """What became of a change: its ``result``, or the ``problem`` that only this item has."""

    key: str
    result: Result | None = None
    problem: str | None = None
    unknown: bool = False


class Changer(Protocol):
    """An index that changes are made to."""

    def change(self, changes: Sequence[Change]) -> list[Changed]:
        """Make changes, durably, and say what became of each; raises what all of them meet."""
        ...

    def count(self) -> int:
        """Return how many items there are."""
        ...

    def close(self) -> None:
        """End; what is derived from the items may be brought up to them."""
        ...


class LocalChanger:
    """Implements ``Changer`` on a folder; the network is loaded if there is a picture to embed, and
    to run about so many ``pictures``."""

    def __init__(
        self, settings: Settings, progress: "Progress | None" = None, pictures: int = 1
    ) -> None:
        folder = index_folder(settings)
        manifest = check_same_recipe(folder, settings, progress)
        self._store = LocalStore(folder)

        @cache
        def extractor() -> "Extractor":
            from models.compiled import for_many

            return for_many(pinned_extractor(manifest, settings, progress), pictures)

        self._editor = Editor(
            self._store,
            extractor,
            limits(settings),
            threads=settings.threads or os.cpu_count() or 1,
        )

    def change(self, changes: Sequence[Change]) -> list[Changed]:
        """Make changes; raises IndexBusyError, DiskFullError, WeightsError and the like."""
        return [_changed(one) for one in apply(self._editor, changes)]

    def count(self) -> int:
        """Return how many items there are."""
        return self._store.count()

    def close(self) -> None:
        """Make searches fast again, if it is worth it and nobody else is writing."""
        try:
            with suppress(IndexBusyError):
                self._store.maintain()
        finally:
            self._store.close()


@dataclass
class Report:
    """What adding pictures did: how often each result came, and the pictures that failed."""

    results: dict[Result, int] = field(default_factory=dict)
    failed: list[Changed] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many pictures were added or failed."""
        return sum(self.results.values()) + len(self.failed)


def named_entries(
    names: Sequence[str], key: str | None, metadata: Metadata, index: Path | None
) -> list[Entry]:
    """Return what pictures and sources name: a picture's key is its file's name, or ``key``.

    ``metadata`` goes to all of them. Raises SourceError if there is nothing, if ``key`` is given
    to more than one, or a key comes twice.
    """
    found: list[Entry] = []
    for name in names:
        path = Path(name)
        if path.suffix.lower() in SUFFIXES and not path.is_dir():
            if not path.is_file():
                raise SourceError(f"no picture at {name!r}")
            found.append(Entry(path.name, path))
        else:
            source = open_source(name, index=index)
            check_not_empty(source)
            found += source.entries()
    if key is not None:
        if len(found) != 1:
            raise SourceError(f"one key, {shorten(key)!r}, for {len(found)} pictures: name one")
        check_key(key)
        found = [replace(found[0], key=key)]
    _check_unique(found)
    return [replace(one, metadata={**one.metadata, **metadata}) for one in found]


def add_pictures(
    entries: Sequence[Entry],
    changer: Changer,
    settings: Settings,
    watcher: Watcher,
) -> Report:
    """Put pictures into an index, a batch at a time; what is not to be read is reported."""
    report = Report()
    watcher.planned(_plan(len(entries)))
    for some in _batches(_puts(entries, limits(settings), report), settings.batch_size):
        for one in changer.change(some):
            if one.result is None:
                report.failed.append(one)
            else:
                report.results[one.result] = report.results.get(one.result, 0) + 1
        watcher.advanced(report.done, len(report.failed))
    watcher.advanced(report.done, len(report.failed))
    return report


def remove_items(keys: Sequence[str], changer: Changer, batch: int) -> list[Changed]:
    """Remove items and say what became of each key, named as often as may be."""
    found = []
    sound = []
    for key in dict.fromkeys(keys):
        try:
            check_key(key)
            sound.append(Remove(key))
        except ItemError as error:  # no item can have it
            found.append(Changed(key, problem=str(error), unknown=True))
    for at in range(0, len(sound), batch):
        found += changer.change(sound[at : at + batch])
    return found


def _puts(entries: Iterable[Entry], allowed: Limits, report: Report) -> Iterator[Put]:
    for entry in entries:
        try:
            if entry.problem:
                raise PictureError(entry.problem)
            check_key(entry.key)
            yield Put(entry.key, read_picture(entry.path, allowed), entry.metadata)
        except HueweaveError as error:
            report.failed.append(Changed(entry.key, problem=str(error)))


def _batches(puts: Iterator[Put], most: int) -> Iterator[list[Put]]:
    some: list[Put] = []
    size = 0
    for put in puts:
        some.append(put)
        size += len(put.data)
        if len(some) == most or size >= _BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _changed(outcome: Outcome) -> Changed:
    if isinstance(outcome, Done):
        return Changed(outcome.key, outcome.result)
    if not isinstance(outcome.error, _OF_ONE_ITEM):
        raise outcome.error
    unknown = isinstance(outcome.error, UnknownKeyError)
    return Changed(outcome.key or "", problem=str(outcome.error), unknown=unknown)


def _check_unique(entries: Iterable[Entry]) -> None:
    seen: dict[str, Path] = {}
    for one in entries:
        before = seen.setdefault(one.key, one.path)
        if before != one.path:
            raise SourceError(
                f"two pictures would have the key {shorten(one.key)!r}: {str(before)!r} and "
                f"{str(one.path)!r}; add one of them with another --key"
            )


def _plan(count: int) -> Plan:
    return Plan(
        total=count,
        new=count,
        changed=0,
        relabelled=0,
        unchanged=0,
        failed_before=0,
        repeated=0,
        missing=0,
        vanished=0,
    )
