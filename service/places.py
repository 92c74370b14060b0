"""Where the indexes of a server lie: one folder, or a folder of folders with aliases beside."""

import logging
import re
from pathlib import Path
from typing import Protocol

from indexer.errors import IndexFolderError
from indexer.manifest_file import CATALOG, FILE_NAME, read_manifest
from models.errors import shorten
from service.aliases import FILE_NAME as ALIASES
from service.aliases import Aliases, AliasFile
from service.errors import (
    AliasError,
    IndexConflictError,
    NewIndexError,
    SettingsError,
    UnknownAliasError,
    UnknownIndexError,
)
from service.names import DEFAULT, NAME
from service.opening import index_folder
from service.settings import Settings

log = logging.getLogger(__name__)

_RULE = "a name has up to 100 letters, digits, dots, _ and -, and begins with no dot"

Stamp = tuple[int, int]


class Places(Protocol):
    """The folders of indexes by name, and the aliases that stand for them."""

    def names(self) -> list[str]:
        """Return the names of all indexes that are there now, in order."""
        ...

    def folder(self, name: str) -> Path:
        """Return the folder of an index; raises UnknownIndexError naming those there are."""
        ...

    def new_folder(self, name: str) -> Path:
        """Return the folder of an index that is there or may be made.

        Raises NewIndexError for a name that no index can have, IndexConflictError for one that
        none can have here.
        """
        ...

    def stamp(self, name: str) -> Stamp | None:
        """Return what tells an index from another put in its place; None if it is gone."""
        ...

    def check(self) -> None:
        """Raise what can be seen to be wrong without loading anything."""
        ...

    def aliases(self) -> Aliases:
        """Return the aliases as they are now; raises IndexFolderError if they are damaged."""
        ...

    def aliases_stamp(self) -> object:
        """Return something that is another once the aliases have changed."""
        ...

    def check_alias(self, alias: str, index: str) -> None:
        """Raise AliasError or UnknownIndexError if ``alias`` may not stand for ``index``."""
        ...

    def set_alias(self, alias: str, index: str) -> Aliases:
        """Let ``alias`` stand for ``index`` and return all of them, once that is durable.

        Raises what ``check_alias`` does, and IndexFolderError if nothing can be written.
        """
        ...

    def remove_alias(self, alias: str) -> Aliases:
        """Remove ``alias`` and return those left; raises UnknownAliasError naming those there."""
        ...


class SinglePlace:
    """One index, named ``default``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the one name."""
        return [DEFAULT]

    def folder(self, name: str) -> Path:
        """Return the folder of an index; raises UnknownIndexError."""
        if name != DEFAULT:
            raise UnknownIndexError(name, self.names())
        return self._folder

    def new_folder(self, name: str) -> Path:
        """Raise IndexConflictError."""
        raise IndexConflictError(
            "this server has one index: others are made on one started with --root"
        )

    def stamp(self, name: str) -> Stamp | None:
        """Return what tells the index from another put in its place; None if it is gone."""
        return _stamp(self._folder)

    def check(self) -> None:
        """Raise IndexFolderError if the folder is no index, SchemaError if it is a newer one."""
        read_manifest(self._folder)

    def aliases(self) -> Aliases:
        """Return none."""
        return {}

    def aliases_stamp(self) -> object:
        """Return the same always."""
        return None

    def check_alias(self, alias: str, index: str) -> None:
        """Raise AliasError."""
        raise AliasError("this server has one index: aliases are for one started with --root")

    def set_alias(self, alias: str, index: str) -> Aliases:
        """Raise AliasError."""
        self.check_alias(alias, index)
        return {}

    def remove_alias(self, alias: str) -> Aliases:
        """Raise AliasError."""
        self.check_alias(alias, DEFAULT)
        return {}


class OpenedPlace(SinglePlace):
    """One index that is open already, wherever it lies: nobody looks there again."""

    def __init__(self) -> None:
        super().__init__(Path())

    def stamp(self, name: str) -> Stamp | None:
        """Return None: there is nothing to tell it by."""
        return None


class RootPlace:
    """Every index in a folder under its own folder's name, and aliases."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = AliasFile(root)
        self._passed_over: set[str] = set()

    def names(self) -> list[str]:
        """Return the names of all indexes in the folder now; others are reported, once."""
        try:
            found = sorted(one.name for one in self._root.iterdir() if (one / FILE_NAME).is_file())
        except OSError as error:
            raise IndexFolderError(f"cannot read {str(self._root)!r}: {error.strerror}") from error
        for name in found:
            if not re.fullmatch(NAME, name) and name not in self._passed_over:
                self._passed_over.add(name)
                log.warning("index folder %r is passed over: %s", name, _RULE)
        return [name for name in found if name not in self._passed_over]

    def folder(self, name: str) -> Path:
        """Return the folder of an index; raises UnknownIndexError naming those there are."""
        # No path leaves the folder: a name has no slash, and is neither "." nor "..".
        if re.fullmatch(NAME, name) and (self._root / name / FILE_NAME).is_file():
            return self._root / name
        raise UnknownIndexError(name, [*self.names(), *self.aliases()])

    def new_folder(self, name: str) -> Path:
        """Return the folder of an index that is there or may be made.

        Raises NewIndexError for a name that no index can have, IndexConflictError for an alias's.
        """
        if not re.fullmatch(NAME, name):
            raise NewIndexError(f"{shorten(name)!r} cannot be the name of an index: {_RULE}")
        if name.casefold() == ALIASES:  # some file systems take both for one
            raise NewIndexError(f"{name!r} is where aliases are kept: name the index otherwise")
        aliases = self.aliases()
        if name in aliases:
            raise IndexConflictError(
                f"{name!r} is an alias of {aliases[name]!r}: name the index otherwise"
            )
        return self._root / name

    def stamp(self, name: str) -> Stamp | None:
        """Return what tells an index from another put in its place; None if it is gone."""
        return _stamp(self._root / name)

    def check(self) -> None:
        """Raise SettingsError or IndexFolderError if the folder or its aliases cannot be read."""
        if (self._root / FILE_NAME).is_file():
            raise SettingsError(
                f"root {str(self._root)!r} is itself an index: serve it with --index, or name the "
                "folder that it lies in"
            )
        self.names()
        self.aliases()

    def aliases(self) -> Aliases:
        """Return the aliases as they are now; raises IndexFolderError if they are damaged."""
        return self._file.read()

    def aliases_stamp(self) -> object:
        """Return something that is another once the aliases have changed."""
        return self._file.stamp()

    def check_alias(self, alias: str, index: str) -> None:
        """Raise AliasError or UnknownIndexError if ``alias`` may not stand for ``index``."""
        aliases = self.aliases()
        if not re.fullmatch(NAME, alias):
            raise AliasError(f"{shorten(alias)!r} cannot be the name of an alias: {_RULE}")
        if alias in self.names():
            raise AliasError(f"{alias!r} is the name of an index: name the alias otherwise")
        if index in aliases:
            raise AliasError(
                f"{index!r} is itself an alias: name the index it stands for, {aliases[index]!r}"
            )
        self.folder(index)

    def set_alias(self, alias: str, index: str) -> Aliases:
        """Let ``alias`` stand for ``index`` and return all of them, once that is durable.

        Raises what ``check_alias`` does, and IndexFolderError if nothing can be written.
        """

        def put(aliases: Aliases) -> None:
            self.check_alias(alias, index)
            aliases[alias] = index

        return self._file.change(put)

    def remove_alias(self, alias: str) -> Aliases:
        """Remove ``alias`` and return those left; raises UnknownAliasError naming those there."""

        def drop(aliases: Aliases) -> None:
            if aliases.pop(alias, None) is None:
                listed = ", ".join(aliases) or "none"
                raise UnknownAliasError(f"there is no alias {shorten(alias)!r}: there are {listed}")

        return self._file.change(drop)


def places_of(settings: Settings) -> Places:
    """Return what the settings ``index`` or ``root`` name, looked at but not loaded.

    Raises SettingsError for neither or both of them, IndexFolderError or SchemaError for a folder
    that cannot be served.
    """
    places: Places
    check_one(settings)
    if settings.root:
        places = RootPlace(root_folder(settings))
    elif settings.index:
        places = SinglePlace(index_folder(settings))
    else:
        raise SettingsError(
            "no index is given: name one with --index DIR or HUEWEAVE_INDEX, or a folder of "
            "several with --root DIR or HUEWEAVE_ROOT"
        )
    places.check()
    return places


def check_one(settings: Settings) -> None:
    """Raise SettingsError if both an index and a folder of them are given."""
    if settings.root and settings.index:
        raise SettingsError(
            f"both index {settings.index!r} and root {settings.root!r} are given: leave out root "
            "for the one index, or index for all those in the folder"
        )


def root_folder(settings: Settings) -> Path:
    """Return the folder of indexes; raises SettingsError if none is given or it is no folder."""
    if not settings.root:
        raise SettingsError("no folder of indexes is given: name it with --root DIR")
    root = Path(settings.root).expanduser()
    if not root.is_dir():
        raise SettingsError(f"root {settings.root!r} is no folder: make it, and indexes in it")
    return root


def _stamp(folder: Path) -> Stamp | None:
    try:
        found = (folder / CATALOG).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
