"""Connections of clients who do not finish, and of too many of them."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

import api.protocol
from api.protocol import PatientProtocol
from service.opening import Opened
from service.settings import Settings
from tests.serving import serving

PATIENCE = 20
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
INDEX = b"GET /v1/index HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def hasty(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    """A client of a server that soon loses its patience."""
    monkeypatch.setattr(api.protocol, "HEAD_S", 0.05)
    with serving(opened, settings) as client:
        yield client


def connect(client: httpx.Client, receive_buffer: int | None = None) -> socket.socket:
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(PATIENCE)
    connection.connect((client.base_url.host, client.base_url.port or 0))
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def test_answer_s_body_does_not_wait_for_its_head_to_be_acknowledged(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, begin = [], PatientProtocol.connection_made

    def connection_made(self: PatientProtocol, transport: Any) -> None:
        begin(self, transport)
        connection = transport.get_extra_info("socket")
        made.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(PatientProtocol, "connection_made", connection_made)
    with serving(opened, settings) as client:
        client.get("/healthz")
    assert made == [1]


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_connection_whose_head_is_never_whole_is_closed(hasty: httpx.Client, sent: bytes) -> None:
    with closing(connect(hasty)) as connection:
        connection.sendall(sent)
        assert read_all(connection) == b""


def test_connection_that_goes_on_after_its_answer_with_half_a_head_is_closed(
    hasty: httpx.Client,
) -> None:
    with closing(connect(hasty)) as connection:
        connection.sendall(GET + b"GET /")
        assert read_all(connection).count(b'{"status":"ok"}') == 1


def test_body_nobody_reads_does_not_keep_a_connection_open(hasty: httpx.Client) -> None:
    refused = b"POST /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf"
    with closing(connect(hasty)) as connection:
        connection.sendall(refused)
        assert read_all(connection).startswith(b"HTTP/1.1 404 ")


def test_answer_nobody_reads_is_thrown_away_with_its_connection(
    hasty: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, lose = threading.Event(), PatientProtocol.connection_lost

    def connection_lost(self: PatientProtocol, exc: Exception | None) -> None:
        if self.client == connection.getsockname():
            lost.set()
        lose(self, exc)

    monkeypatch.setattr(PatientProtocol, "connection_lost", connection_lost)
    monkeypatch.setattr("api.routes.health.Status", lambda status: {"status": "x" * 20_000_000})
    with closing(connect(hasty, receive_buffer=4096)) as connection:
        connection.sendall(GET)
        assert lost.wait(PATIENCE)


class Watched:
    """A protocol whose transport and clock are in the hands of a test."""

    def __init__(self) -> None:
        self.unsent, self.ended = 0, ""
        self.later: list[Callable[[], None]] = []
        loop = SimpleNamespace(call_later=self._call_later)
        transport = SimpleNamespace(
            get_write_buffer_size=lambda: self.unsent,
            get_extra_info=lambda name: None,
            close=lambda: self._end("closed"),
            abort=lambda: self._end("aborted"),
        )
        config = uvicorn.Config(lambda: None, log_config=None, ws="none")
        config.load()
        self.protocol = PatientProtocol(config, ServerState(), {}, cast(Any, loop))
        self.protocol.connection_made(cast(Any, transport))

    def answer(self, *, complete: bool, more_body: bool = False) -> None:
        cycle = SimpleNamespace(response_complete=complete, more_body=more_body)
        self.protocol.cycle = cast(Any, cycle)

    def wait(self) -> str:
        """Let the time pass after which the protocol looks; return what it does."""
        self.later.pop()()
        return self.ended

    def _call_later(self, delay: float, call: Callable[[], None]) -> SimpleNamespace:
        self.later = [call]
        return SimpleNamespace(cancel=self.later.clear)

    def _end(self, how: str) -> None:
        self.ended = how


def test_request_under_way_is_waited_for_and_the_next_one_no_longer_than_the_first() -> None:
    watched = Watched()
    watched.answer(complete=False)
    assert watched.wait() == watched.wait() == ""
    watched.answer(complete=True)
    assert watched.wait() == "closed"


def test_answer_may_take_long_while_more_and_more_of_it_is_read() -> None:
    watched = Watched()
    watched.answer(complete=True)
    for watched.unsent in (900, 500, 100):
        assert watched.wait() == ""
    assert watched.wait() == "aborted"


def test_answer_that_is_still_being_written_is_given_up_only_while_nothing_of_it_is_read() -> None:
    watched = Watched()
    watched.answer(complete=False)
    for watched.unsent in (10, 20, 30):  # written faster than it is read
        assert watched.wait() == ""
    watched.unsent = 100_000
    watched.protocol.pause_writing()
    watched.unsent = 50_000
    assert watched.wait() == ""
    watched.protocol.resume_writing()
    watched.unsent = 60_000
    assert watched.wait() == ""
    watched.protocol.pause_writing()
    assert watched.wait() == "aborted"


def test_answer_that_is_not_read_is_kept_while_its_request_is_being_sent() -> None:
    watched = Watched()
    watched.answer(complete=False, more_body=True)
    watched.unsent = 100_000
    watched.protocol.pause_writing()
    assert watched.wait() == watched.wait() == ""
    watched.answer(complete=False)
    assert watched.wait() == "aborted"


def test_connections_past_the_limit_are_refused_but_for_probes(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.protocol, "CONNECTIONS", 2)
    with serving(opened, settings) as client, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(closing(connect(client))).sendall(b"GET")
        with closing(connect(client)) as third:
            third.sendall(GET)
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += third.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            third.sendall(INDEX)
            answer = read_all(third)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"more connections than it can serve" in answer
        assert b"retry-after: 1" in answer.lower()


def test_connections_past_twice_the_limit_are_not_kept(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.protocol, "CONNECTIONS", 1)
    with serving(opened, settings) as client, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(closing(connect(client))).sendall(b"GET")
        with closing(connect(client)) as third, suppress(ConnectionResetError):
            assert third.recv(1) == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_refused_with_a_problem(
    still_client: httpx.Client, sent: bytes
) -> None:
    with closing(connect(still_client)) as connection:
        connection.sendall(sent)
        answered, _, document = read_all(connection).partition(b"\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answered
    assert json.loads(document)["status"] == 400
