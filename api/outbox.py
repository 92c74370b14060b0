"""Bytes to be sent, kept until the client takes them."""

import asyncio
import tempfile

_IN_MEMORY = 1024 * 1024


class Outbox:
    """Holds what was written until it is read: up to a MiB in memory, and past that in a file.

    So a client that sends all it has before it reads an answer is not waited for, nor does what it
    leaves unread fill the memory. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by close
        self._read = self._written = 0
        self._ended = False
        self._changed = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Add ``data``."""
        self._file.seek(self._written)
        self._written += self._file.write(data)
        self._changed.set()

    def end(self) -> None:
        """Say that nothing more comes."""
        self._ended = True
        self._changed.set()

    async def read(self, most: int = 65536) -> bytes:
        """Return up to ``most`` bytes as soon as there are any; none at the end."""
        while self._read == self._written and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        self._file.seek(self._read)
        data = self._file.read(min(most, self._written - self._read))
        self._read += len(data)
        if self._read == self._written and self._read:  # the place is free again
            self._file.truncate(0)
            self._read = self._written = 0
        return data

    def close(self) -> None:
        """Forget what was not read."""
        self._file.close()
