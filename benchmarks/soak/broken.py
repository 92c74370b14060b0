"""Connections that break: half requests, sockets closed midway, garbage, answers nobody reads."""

import socket
import struct
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

KEY = "broken/half.png"
"""The key of items that are only half sent, and so never there."""
_HELD = 20
_SECONDS = 5
_HOST = "Host: 127.0.0.1\r\n"
_HALF_BODY = (
    f"POST /v1/palette HTTP/1.1\r\n{_HOST}Content-Type: multipart/form-data; boundary=b\r\n"
    'Content-Length: 5000\r\n\r\n--b\r\nContent-Disposition: form-data; name="image"'
)
_HALF_PUT = _HALF_BODY.replace("POST /v1/palette", f"PUT /v1/items/{KEY}")
_HALF_BULK = (
    f"POST /v1/bulk HTTP/1.1\r\n{_HOST}Content-Type: application/x-ndjson\r\n"
    f'Transfer-Encoding: chunked\r\n\r\n40\r\n{{"put": {{"key": "{KEY}", "base64": "iVBOR'
)
_SENT = {
    "nothing": "",
    "half a head": f"GET /v1/items HTTP/1.1\r\n{_HOST}X-Slow: ",
    "half a body": _HALF_BODY,
    "half a put": _HALF_PUT,
    "half a bulk request": _HALF_BULK,
    "no chunk": f"POST /v1/bulk HTTP/1.1\r\n{_HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "two lengths": f"POST /v1/palette HTTP/1.1\r\n{_HOST}Content-Length: 1\r\n"
    "Content-Length: 2\r\n\r\nx",
    "an endless head": f"GET / HTTP/1.1\r\n{_HOST}X: {'x' * 100_000}",
    "a question nobody waits for": f"GET /v1/nothing HTTP/1.1\r\n{_HOST}\r\n" * 50,
}

ROUTES = {
    "half a put": ("PUT", "/v1/items/{key}"),
    "half a bulk request": ("POST", "/v1/bulk"),
    "no chunk": ("POST", "/v1/bulk"),
}
"""Those that go where clients that finish go, too."""


@dataclass
class Broken:
    """A client that breaks one connection after the other."""

    address: str
    random: Random
    done: Counter[str] = field(default_factory=Counter)
    _held: deque[socket.socket] = field(default_factory=deque)

    def break_one(self) -> None:
        """Begin something, and reset the connection, close it, or leave it as it is for a while."""
        name = self.random.choice((*_SENT, "garbage"))
        data = self.random.randbytes(500) if name == "garbage" else _SENT[name].encode()
        self.done[name] += 1
        place = urlsplit(self.address)
        connection = socket.create_connection((place.hostname, place.port), timeout=_SECONDS)
        with suppress(OSError):  # it may be cut off in the middle
            connection.sendall(data)
        end = self.random.choice(("reset", "close", "leave"))
        if end == "leave":
            self._held.append(connection)
            if len(self._held) > _HELD:
                self._held.popleft().close()
            return
        if end == "reset":
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()

    def close(self) -> None:
        """Close what was left open."""
        for connection in self._held:
            connection.close()
