"""A server that is told to stop: not ready at once, and nothing under way is lost."""

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

import api.server
from api.app import create_app
from api.server import Server, make_server
from service.answer import Answer
from service.opening import Opened
from service.settings import Settings

PATIENCE = 20
QUERY = {"terms": [{"attribute": "color", "image": {"key": "000.png"}}]}


@contextmanager
def running(opened: Opened, settings: Settings) -> Iterator[tuple[Server, str, threading.Thread]]:
    """Yield a server that runs, its address and its thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(create_app(settings, opened), settings, configure_logging=False)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{listener.getsockname()[1]}", thread
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


class Slow:
    """Answers queries when it is let go."""

    def __init__(self) -> None:
        self.begun, self.leave = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> Answer:
        self.begun.set()
        assert self.leave.wait(PATIENCE)
        return Answer(hits=[], exact=True, generation=1, took_ms=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_request_under_way_is_answered_while_the_server_says_that_it_is_not_ready(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    slow = Slow()
    monkeypatch.setattr(opened.searcher, "answer", slow)
    with running(opened, settings) as (server, address, thread), ThreadPoolExecutor(1) as clients:
        asked = clients.submit(httpx.post, f"{address}/v1/search", json=QUERY, timeout=PATIENCE)
        try:
            assert slow.begun.wait(PATIENCE)
            assert httpx.get(f"{address}/readyz").status_code == 200
            server.handle_exit(number, None)
            ready, alive = (httpx.get(f"{address}{path}") for path in ("/readyz", "/healthz"))
            assert (ready.status_code, alive.status_code) == (503, 200)
            assert "stopping" in ready.json()["detail"]
            refused = httpx.post(f"{address}/v1/search", json=QUERY)
            assert (refused.status_code, refused.headers["connection"]) == (503, "close")
            assert "retry-after" in refused.headers
        finally:
            slow.leave.set()
        assert asked.result(PATIENCE).status_code == 200
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_client_that_never_finishes_is_not_waited_for_for_ever(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.server, "LAST_WORDS_S", 0)
    head = (
        "POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    with running(opened, settings) as (server, address, thread):
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as left:
            left.sendall(head.encode())
            assert left.recv(1000).startswith(b"HTTP/1.1 100 ")
            server.handle_exit(signal.SIGTERM, None)
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_second_interrupt_does_not_wait(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(opened.searcher, "answer", slow)
    with running(opened, settings) as (server, address, thread), ThreadPoolExecutor(1) as clients:
        clients.submit(httpx.post, f"{address}/v1/search", json=QUERY, timeout=PATIENCE)
        try:
            assert slow.begun.wait(PATIENCE)
            for _ in range(2):
                server.handle_exit(signal.SIGINT, None)
            assert server.force_exit
            thread.join(PATIENCE)
            assert not thread.is_alive()
        finally:
            slow.leave.set()
