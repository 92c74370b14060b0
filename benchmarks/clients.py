"""Clients of a server, each asking again once it is answered: their times, and their rate."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

_BOUNDARY = "hueweave-benchmark"


@dataclass(frozen=True)
class Load:
    """What clients saw: seconds of each answer, and how many there were in ``seconds``, of which
    they themselves kept a processor busy for ``own``."""

    times: Sequence[float]
    seconds: float
    own: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def percentile(self, which: int) -> float:
        """Return a percentile of the times, in milliseconds."""
        return quantiles(self.times, n=100, method="inclusive")[which - 1] * 1000


def picture_request(data: bytes, attribute: str) -> bytes:
    """Return the bytes of a search by a picture that is sent."""
    fields = {"attribute": attribute, "limit": "20"}
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    opening = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    )
    body = "".join(parts).encode() + opening.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return _request("/v1/search/image", f"multipart/form-data; boundary={_BOUNDARY}", body)


def key_request(key: str, attribute: str) -> bytes:
    """Return the bytes of a search by an item's key."""
    term = f'{{"attribute": "{attribute}", "image": {{"key": "{key}"}}}}'
    body = f'{{"terms": [{term}], "limit": 20}}'.encode()
    return _request("/v1/search", "application/json", body)


def drive(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Let ``clients`` ask a server for so long, each on a connection of its own.

    Raises RuntimeError if anything but 200 is answered. What was under way at the end counts.
    """
    return asyncio.run(_drive(port, requests, clients, seconds))


async def _drive(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    times: list[float] = []
    started, busy = time.perf_counter(), time.process_time()
    end = started + seconds
    await asyncio.gather(*(_client(port, requests, n, end, times) for n in range(clients)))
    return Load(times, time.perf_counter() - started, time.process_time() - busy)


async def _client(
    port: int, requests: Sequence[bytes], at: int, end: float, times: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        began = time.perf_counter()
        writer.write(requests[at % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head.decode()}{body.decode()}")
        at += 7  # not every client the same one next
    writer.close()


def _request(path: str, kind: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
