"""Bytes that wait for their reader, in memory and past that in a file."""

import asyncio
import random
from contextlib import closing

import pytest

from api import outbox
from api.outbox import Outbox


def test_what_is_written_is_read_in_order_however_the_two_alternate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "_IN_MEMORY", 100)
    random.seed(5)

    async def run() -> tuple[bytes, bytes]:
        written = read = b""
        with closing(Outbox()) as box:
            for _ in range(300):
                data = random.randbytes(random.randrange(1, 30))
                box.write(data)
                written += data
                while len(read) < len(written) and random.random() < 0.4:
                    read += await box.read(random.randrange(1, 60))
            box.end()
            while data := await box.read():
                read += data
        return written, read

    written, read = asyncio.run(run())
    assert read == written


def test_who_reads_waits_for_what_comes() -> None:
    async def run() -> list[bytes]:
        with closing(Outbox()) as box:
            reading = asyncio.create_task(box.read())
            await asyncio.sleep(0)
            box.write(b"first")
            found = [await reading]
            reading = asyncio.create_task(box.read())
            await asyncio.sleep(0)
            box.end()
            return [*found, await reading]

    assert asyncio.run(run()) == [b"first", b""]


def test_room_is_used_again_once_all_was_read() -> None:
    async def run() -> int:
        with closing(Outbox()) as box:
            for _ in range(100):
                box.write(b"x" * 1000)
                assert await box.read() == b"x" * 1000
            box._file.seek(0, 2)
            return box._file.tell()

    assert asyncio.run(run()) == 0
