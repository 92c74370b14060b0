"""Connections to addresses that were looked at before, and none past a deadline."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import httpcore

Resolve = Callable[[str, int], Sequence[str]]
"""From a host's name and port to its IP addresses; raises OSError if there are none."""


def resolve(host: str, port: int) -> list[str]:
    """Return what the system's resolver knows, in its order, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class Deadline:
    """A moment of ``clock`` after which nothing is waited for."""

    seconds: float
    clock: Callable[[], float] = monotonic
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", self.clock() + self.seconds)

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError if none are."""
        left = self.ends - self.clock()
        if left <= 0:
            raise TimeoutError
        return left


def resolve_by(deadline: Deadline, how: Resolve, host: str, port: int) -> Sequence[str]:
    """Return a host's addresses; raises TimeoutError at the deadline, or another OSError.

    A resolver cannot be told to stop, so it has a thread of its own to end in.
    """
    answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(how(host, port))
        except (OSError, ValueError) as error:  # ValueError: a label that no name may have
            answers.put(error)

    left = deadline.left()
    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=left)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise OSError(str(answer)) from answer
    return answer


class Pinned(httpcore.NetworkBackend):
    """Connects to the first of ``addresses`` that answers, whatever the host is called.

    The name is looked up nowhere again. It stays what TLS asks a certificate for.
    """

    def __init__(self, addresses: Sequence[str], deadline: Deadline) -> None:
        self._addresses, self._deadline = addresses, deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a stream; raises httpcore.ConnectError if no address can be connected to."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                left = self._deadline.left()
                return _Timed(self._backend.connect_tcp(address, port, left), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Never: raises httpcore.ConnectError."""
        raise httpcore.ConnectError("sockets of files are not asked")


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, however little comes in between."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left()
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
