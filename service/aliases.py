"""Aliases: names that stand for indexes, kept in a file beside them."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.errors import IndexFolderError
from indexer.files import write_durably
from service.names import NAME

FILE_NAME, LOCK_NAME = "aliases.json", ".aliases.lock"

Aliases = dict[str, str]
"""From an alias to the name of the index that it stands for."""


class AliasFile:
    """The file of aliases in a folder of indexes; any number of processes may change it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / FILE_NAME

    def read(self) -> Aliases:
        """Return the aliases, in order; raises IndexFolderError if the file is damaged."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise IndexFolderError(f"cannot read {str(self.path)!r}: {error.strerror}") from error
        except ValueError as error:
            raise IndexFolderError(f"{str(self.path)!r} is no JSON: {error}") from error
        if not isinstance(found, dict) or not all(map(_is_name, (*found, *found.values()))):
            raise IndexFolderError(
                f"{str(self.path)!r} is not a file of aliases: expected an object such as "
                '{"shop": "shop-2"}'
            )
        return dict(sorted(found.items()))

    def change(self, edit: Callable[[Aliases], None]) -> Aliases:
        """Let ``edit`` change the aliases, one process at a time, and return them once durable.

        Raises IndexFolderError if the folder cannot be written to.
        """
        with self._alone():
            aliases = self.read()
            edit(aliases)
            text = json.dumps(aliases, indent=1, sort_keys=True) + "\n"
            write_durably(self.path, lambda path: _write(path, text))
        return aliases

    def stamp(self) -> object:
        """Return something that is another once the aliases have changed."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._root / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise IndexFolderError(
                f"cannot write to {str(self._root)!r}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held by others for moments only
            yield
        finally:
            os.close(descriptor)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
