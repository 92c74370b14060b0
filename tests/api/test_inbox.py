"""Lines out of a body, however it is cut, and what waits when there are too many."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.inbox import Inbox, Line, split_lines

BODY = b"one\ntwo\r\n\n  \nfive"
LINES = [Line(1, b"one"), Line(2, b"two"), Line(5, b"five")]


def split(chunks: list[bytes], most: int = 100) -> list[Line]:
    async def given() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def run() -> list[Line]:
        return [line async for line in split_lines(given(), most)]

    return asyncio.run(run())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_are_the_same_however_the_body_is_cut(size: int) -> None:
    chunks = [BODY[at : at + size] for at in range(0, len(BODY), size)]
    assert split(chunks) == LINES
    assert split([b"", *chunks, b"\n", b""]) == LINES


@pytest.mark.parametrize("size", [1, 4, 100])
def test_line_that_is_too_long_is_only_numbered(size: int) -> None:
    body = b"ok\n" + b"x" * 11 + b"\n" + b"y" * 10 + b"\n" + b" " * 50 + b"\nz"
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    wanted = [Line(1, b"ok"), Line(2, None), Line(3, b"y" * 10), Line(4, None), Line(5, b"z")]
    assert split(chunks, most=10) == wanted
    assert split([b"x" * 11], most=10) == [Line(1, None)]


def test_who_adds_waits_until_there_is_room() -> None:
    async def run() -> None:
        inbox = Inbox(lines=2, size=10)
        added: list[int] = []

        async def add() -> None:
            for number, size in enumerate((4, 4, 4, 50, 1), start=1):
                await inbox.put(Line(number, b"x" * size))
                added.append(number)
            await inbox.end()

        task = asyncio.create_task(add())
        taken = []
        for wanted in ([1, 2], [3], [4], [5], []):
            found = await inbox.take()
            taken.append([line.number for line in found])
            assert taken[-1] == wanted
        await task
        assert added == [1, 2, 3, 4, 5]

    asyncio.run(run())


def test_what_is_dropped_is_not_taken() -> None:
    async def run() -> list[Line]:
        inbox = Inbox(lines=2, size=10)
        await inbox.put(Line(1, b"x"))
        await inbox.end(drop=True)
        return await inbox.take()

    assert asyncio.run(run()) == []
