"""The keys file: changed by ``hueweave key``, watched by running servers."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from indexer.files import write_durably
from models.errors import one_of, shorten
from service.errors import SettingsError
from service.keys import (
    SCOPES,
    ApiKey,
    KeysError,
    KeySet,
    UnknownApiKeyError,
    new_secret,
    new_signing_secret,
)

log = logging.getLogger(__name__)

_MODE = 0o600
_CREATE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
# A running server looks for changes this often at most.
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class KeysFile:
    """The keys file at ``path``: read by servers, changed by ``hueweave key``."""

    path: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def read(self) -> KeySet:
        """Return what the file holds; raises KeysError if it is not there or damaged."""
        try:
            return KeySet.model_validate_json(self.path.read_bytes())
        except OSError as error:
            raise KeysError(
                f"cannot read keys file {str(self.path)!r}: {error.strerror}; "
                "'hueweave key create NAME --keys FILE' makes one"
            ) from error
        except ValidationError as error:
            # Not the error's own text: it shows what it read.
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise KeysError(
                f"keys file {str(self.path)!r} is damaged: {where}: {first['msg']}"
            ) from None

    def create(self, name: str, scope: str, days: int | None = None) -> tuple[ApiKey, str]:
        """Add a key that expires after ``days``; return it and its text, which is kept nowhere.

        Makes the file if there is none. Raises KeysError, SettingsError or UnknownNameError.
        """
        allowed = one_of("scope", scope, SCOPES)
        if not 0 < len(name) <= 100 or not name.isprintable():
            raise SettingsError(f"key name {shorten(name)!r}: expected 1 to 100 printable letters")
        (secret, digest), now = new_secret(), self.now().replace(microsecond=0)
        with self._changing() as held:
            taken = {key.id for key in held.keys}
            identity = secrets.token_hex(4)
            while identity in taken:
                identity = secrets.token_hex(4)
            key = ApiKey(
                id=identity,
                name=name,
                scope=allowed,
                created=now,
                expires=None if days is None else now + timedelta(days=days),
                sha256=digest,
            )
            self._write(held.model_copy(update={"keys": (*held.keys, key)}))
        return key, f"hw_{identity}_{secret}"

    def revoke(self, identity: str) -> ApiKey:
        """Remove a key and return it; raises KeysError or UnknownApiKeyError."""
        self.read()  # a file that is not there holds no keys to revoke, and is not to be made
        with self._changing() as held:
            found = next((key for key in held.keys if key.id == identity), None)
            if found is None:
                known = ", ".join(key.id for key in held.keys) or "(none)"
                raise UnknownApiKeyError(
                    f"no key has the id {shorten(identity)!r}: expected one of {known}"
                )
            left = tuple(key for key in held.keys if key.id != identity)
            self._write(held.model_copy(update={"keys": left}))
        return found

    def rotate(self) -> None:
        """Take a new signing secret, so that no address signed before opens anything."""
        self.read()
        with self._changing() as held:
            self._write(held.model_copy(update={"signing_secret": new_signing_secret()}))

    @contextmanager
    def _changing(self) -> Iterator[KeySet]:
        """Yield what the file holds, no other process changing it meanwhile."""
        try:
            # Not the keys file itself: that one is replaced.
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), _CREATE, _MODE)
        except OSError as error:
            raise KeysError(
                f"cannot write keys file {str(self.path)!r}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = self.path.exists()
            yield self.read() if there else KeySet(signing_secret=new_signing_secret())
        finally:
            os.close(lock)

    def _write(self, held: KeySet) -> None:
        before = self.path.stat() if self.path.exists() else None

        def write(partial: Path) -> None:
            partial.unlink(missing_ok=True)  # left by a crash, its rights unknown
            with open(os.open(partial, _CREATE | os.O_EXCL, _MODE), "wb") as file:
                if before is not None:
                    _give(file.fileno(), before)
                file.write(held.model_dump_json(indent=2).encode() + b"\n")

        try:
            write_durably(self.path, write)
        except OSError as error:
            raise KeysError(
                f"cannot write keys file {str(self.path)!r}: {error.strerror}"
            ) from error


def _give(descriptor: int, before: os.stat_result) -> None:
    """Keep owner and rights as they were: root may write what the server's user has to read."""
    if os.geteuid() == 0:
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o777)


class KeyRing:
    """A keys file as a running server knows it: read again within a second of a change.

    A file that vanished or was damaged lets nobody in: whoever took it away may have meant that.
    """

    def __init__(self, file: KeysFile, clock: Callable[[], float] = time.monotonic) -> None:
        """Read ``file``; raises KeysError."""
        self._file, self._clock = file, clock
        self._looked, self._state = clock(), _state(file.path)
        self._held: KeySet | KeysError = file.read()
        if file.path.stat().st_mode & 0o077:
            log.warning("keys file %s can be read by others: chmod 600 it", file.path)

    def find(self, text: str) -> ApiKey | None:
        """Return the key that ``text`` is, if it is one that counts; raises KeysError."""
        return self.current().find(text, self._file.now())

    def current(self) -> KeySet:
        """Return what the file holds; raises KeysError while it cannot be read."""
        if self._clock() - self._looked >= _LOOK_EVERY_S:
            self._looked, state = self._clock(), _state(self._file.path)
            if state != self._state:
                self._held, self._state = self._read(), state
        if isinstance(self._held, KeysError):
            raise self._held
        return self._held

    def _read(self) -> KeySet | KeysError:
        try:
            return self._file.read()
        except KeysError as error:
            log.error("%s; nobody is let in until it can be read", error)
            return error


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
