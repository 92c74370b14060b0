"""Lines of a body that is being received, in parts that can be worked on."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line and its number, from 1 on; ``text`` is None if it was longer than it may be."""

    number: int
    text: bytes | None


async def split_lines(chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[Line]:
    """Yield the lines of a body that are not empty; the last need not end in a line break.

    Of a line of more than ``most`` bytes only its number is kept.
    """
    number, begun, too_long = 1, bytearray(), False
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            too_long = too_long or len(begun) + len(piece) > most
            line = bytes(begun + piece).strip()
            if too_long or line:
                yield Line(number, None if too_long else line)
            number, begun, too_long = number + 1, bytearray(), False
        too_long = too_long or len(begun) + len(rest) > most
        begun = bytearray() if too_long else begun + rest
    if too_long or begun.strip():
        yield Line(number, None if too_long else bytes(begun).strip())


class Inbox:
    """Lines that wait to be worked on: so many, and so many bytes, that who adds more waits.

    Belongs to one event loop.
    """

    def __init__(self, lines: int, size: int) -> None:
        """Hold up to ``lines`` lines and ``size`` bytes, or one line of more."""
        self._most, self._size = lines, size
        self._lines: deque[Line] = deque()
        self._held = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, line: Line) -> None:
        """Add a line once there is room."""
        size = len(line.text or b"")
        async with self._changed:
            await self._changed.wait_for(
                lambda: (
                    not self._lines
                    or (len(self._lines) < self._most and self._held + size <= self._size)
                )
            )
            self._lines.append(line)
            self._held += size
            self._changed.notify_all()

    async def end(self, *, drop: bool = False) -> None:
        """Say that nothing more comes; with ``drop`` forget what is there, too."""
        async with self._changed:
            self._ended = True
            if drop:
                self._lines.clear()
            self._changed.notify_all()

    async def take(self) -> list[Line]:
        """Return all lines that are there, as soon as there are any; none at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lines or self._ended)
            found, self._held = [*self._lines], 0
            self._lines.clear()
            self._changed.notify_all()
            return found
