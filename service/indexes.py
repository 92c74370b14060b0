"""The indexes of a server: opened at first use, switched by alias, closed when left."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from models.errors import HueweaveError
from service.aliases import Aliases
from service.errors import AliasError, NotLoadedError, UnknownIndexError
from service.making import Made, Maker, planner
from service.names import DEFAULT
from service.new_index import NewIndex
from service.opening import Opened, Opener
from service.places import OpenedPlace, Places, Stamp, places_of
from service.settings import Settings

if TYPE_CHECKING:
    from service.opening import Watching

log = logging.getLogger(__name__)

# How long an index stays open once it was left: work that nobody waits for may be at it still.
_LINGER_S = 60.0
# How long after an index could not be opened for an alias it is tried again.
_AGAIN_S = 10.0


@dataclass(eq=False)
class Held:
    """An index that is open, and how many requests are at it."""

    name: str
    opened: Opened
    stamp: Stamp | None
    uses: int = 0
    until: float = 0.0


class Indexes:
    """Lends opened indexes by name or alias. Thread-safe.

    An index stays open from its first use until the last alias that stood for it names another, or
    its folder is gone or another; requests that have it by then end on it, and a minute later it is
    closed.
    """

    def __init__(
        self,
        places: Places,
        open_folder: Callable[[Path], Opened],
        make: Callable[[Path, NewIndex], Made] | None = None,
    ) -> None:
        self._places, self._open_folder, self._make = places, open_folder, make
        self._guard = Lock()  # for moments: what follows here is read and changed under it
        self._held: dict[str, Held] = {}
        self._left: list[Held] = []
        self._default: str | None = None
        self._closed = False
        self._changing = Lock()  # for as long as it takes: opening, aliases
        self._seen = places.aliases_stamp()
        self._aliases: Aliases = places.aliases()
        self._again: float | None = None

    # --- lending: never waits ------------------------------------------------------------------

    def take(self, name: str | None = None) -> Held | None:
        """Lend the index called ``name`` (None: the default one); None if it is not open.

        Whoever takes it gives it back.
        """
        with self._guard:
            known = self._target(name)
            held = None if known is None else self._held.get(known)
            if held:
                held.uses += 1
            return held

    def give_back(self, held: Held) -> None:
        """End what ``take`` began."""
        with self._guard:
            held.uses -= 1

    def all_opened(self) -> dict[str, Opened]:
        """Return the indexes that are open now, by name."""
        with self._guard:
            return {name: held.opened for name, held in sorted(self._held.items())}

    @property
    def aliases(self) -> Mapping[str, str]:
        """What each alias stands for now."""
        return self._aliases

    @property
    def places(self) -> Places:
        """Where the indexes lie."""
        return self._places

    # --- opening and switching: may take long --------------------------------------------------

    def find(self, name: str | None = None) -> str:
        """Return the name of the index that ``name`` stands for; None is the default index.

        That is what is called ``default``, or else the only index there is; it stays the default
        one when others come beside it. Raises UnknownIndexError.
        """
        if name is None and self._target(None) is None:
            names = self._places.names()
            if DEFAULT in names:
                self._default = DEFAULT
            elif len(names) == 1:
                self._default = names[0]
            else:
                raise UnknownIndexError(None, [*names, *self._aliases])
        found = self._target(name)
        assert found is not None
        self._places.folder(found)
        return found

    def load(self, name: str | None = None) -> None:
        """Open an index unless it is open.

        Raises UnknownIndexError, NotLoadedError once all are closed, and whatever opening raises.
        """
        with self._changing:
            self._load(self.find(name))

    def make(self, name: str, wanted: NewIndex) -> Made:
        """Make an empty index called ``name`` and open it, unless there is one like it.

        Raises what ``Places.new_folder`` and ``Maker`` do.
        """
        with self._changing:
            folder = self._places.new_folder(name)
            assert self._make is not None  # places that have new folders come with it
            made = self._make(folder, wanted)
            if made.new:
                self._leave_replaced()  # one that was there, and was deleted this moment
                self._load(name)
            return made

    def switch(self, alias: str, index: str) -> None:
        """Let ``alias`` stand for ``index``, durably, once that is open.

        Raises AliasError if it may not or the index cannot be opened, and all stays as it was;
        UnknownIndexError for an index that is not there.
        """
        with self._changing:
            self._places.check_alias(alias, index)
            try:
                self._load(index)
            except (HueweaveError, OSError) as error:
                log.warning("alias %s stays as it was: %s", alias, error)
                # Where the folder lies on the server is nobody's business.
                reason = str(error).replace(f"{self._places.folder(index).parent}/", "")
                raise AliasError(f"alias {alias!r} stays as it was: {reason}") from error
            self._take_over(self._places.set_alias(alias, index))

    def remove(self, alias: str) -> None:
        """Remove an alias, durably; raises UnknownAliasError naming those there."""
        with self._changing:
            self._take_over(self._places.remove_alias(alias))

    def look(self) -> None:
        """Follow aliases that another process changed, and close what was left and is free."""
        with self._changing:
            self._follow()
            self._leave_replaced()
            self._close_free()

    def close(self) -> None:
        """Close every index, each once; nothing is lent any more."""
        with self._guard:
            self._closed = True
            held = [*self._held.values(), *self._left]
            self._held, self._left = {}, []
        for one in held:
            one.opened.close()

    def _target(self, name: str | None) -> str | None:
        if name is None:
            return self._aliases.get(DEFAULT, self._default)
        return self._aliases.get(name, name)

    def _load(self, name: str) -> None:
        folder = self._places.folder(name)
        known_by = self._places.stamp(name)  # before, so that a change meanwhile shows
        with self._guard:
            if self._closed:
                raise NotLoadedError("the server is stopping")
            if name in self._held:
                return
            for held in self._left:
                if (held.name, held.stamp) == (name, known_by):
                    self._left.remove(held)
                    self._held[name] = held
                    return
        opened = self._open_folder(folder)
        with self._guard:
            closed = self._closed
            if not closed:
                self._held[name] = Held(name, opened, known_by)
        if closed:
            opened.close()
            raise NotLoadedError("the server is stopping")

    def _take_over(self, aliases: Aliases) -> None:
        """Make ``aliases`` those in effect, and leave the indexes that lost their last one."""
        with self._guard:
            before = {*self._aliases.values(), self._default}
            self._aliases = aliases
            if DEFAULT in aliases:
                self._default = None
            for name in before - {*aliases.values(), self._default}:
                if name is not None:
                    self._leave(name)

    def _leave(self, name: str) -> None:
        held = self._held.pop(name, None)
        if held:
            held.until = time.monotonic() + _LINGER_S
            self._left.append(held)

    def _follow(self) -> None:
        now, seen = time.monotonic(), self._places.aliases_stamp()
        if seen == self._seen and (self._again is None or now < self._again):
            return
        self._seen, self._again = seen, None
        aliases = self._places.aliases()
        for alias, before in self._aliases.items():
            if before in self._held and aliases.get(alias, before) != before:
                try:  # who is answered now goes on being answered while the other is opened
                    self._load(aliases[alias])
                except (HueweaveError, OSError) as error:
                    log.error("alias %s stays with %s: %s", alias, before, error)
                    self._again, aliases[alias] = now + _AGAIN_S, before
        self._take_over(aliases)

    def _leave_replaced(self) -> None:
        """Leave indexes whose folder is gone, or holds another index now."""
        for held in [*self._held.values()]:
            found = self._places.stamp(held.name)
            if held.stamp is None or held.stamp == found:
                continue
            with self._guard:
                self._leave(held.name)
                if found is None and self._default == held.name:
                    self._default = None

    def _close_free(self) -> None:
        now = time.monotonic()
        with self._guard:
            free = [held for held in self._left if not held.uses and held.until <= now]
            self._left = [held for held in self._left if held not in free]
        if free:
            while free:
                free.pop().opened.close()


def indexes_of(settings: Settings, watching: "Watching" = nullcontext) -> Indexes:
    """Return the indexes that the settings name, looked at but not loaded.

    Raises SettingsError, IndexFolderError or SchemaError.
    """
    opener = Opener(settings, watching, server=True)
    return Indexes(places_of(settings), opener, Maker(settings, planner(opener)))


def one_index(opened: Opened) -> Indexes:
    """Return an index that is open already, as ``default``."""
    indexes = Indexes(OpenedPlace(), lambda _: opened)
    indexes.load()
    return indexes
