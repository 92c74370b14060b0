"""A server under load and with clients that take their time."""

import base64
import io
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
from PIL import Image

from service.answer import Answer
from service.opening import Opened
from service.query import Query
from service.settings import load_settings
from tests.serving import serving

PATIENCE = 20


def _png() -> str:
    written = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 60)).save(written, "PNG")
    return base64.b64encode(written.getvalue()).decode()


QUERY = {"terms": [{"attribute": "color", "image": {"base64": _png()}}]}
BY_KEY = {"terms": [{"attribute": "color", "image": {"key": "000.png"}}]}
ANSWER = Answer(hits=[], exact=True, generation=1, took_ms=0)
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n{more}\r\n"
)


class Slow:
    """Answers queries when it is let go; says when one is begun."""

    def __init__(self) -> None:
        self.begun, self.leave = threading.Semaphore(0), threading.Event()
        self.calls = 0

    def __call__(self, *_: Any) -> Answer:
        self.calls += 1
        self.begun.release()
        assert self.leave.wait(PATIENCE)
        return ANSWER

    def wait_for(self, calls: int) -> None:
        assert all(self.begun.acquire(timeout=PATIENCE) for _ in range(calls))


@pytest.fixture
def slow(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(opened.searcher, "answer", slow)
    yield slow
    slow.leave.set()


@contextmanager
def limited(opened: Opened, **limits: Any) -> Iterator[httpx.Client]:
    settings = load_settings(max_bytes=200_000, **limits)
    with serving(opened, settings) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    address = client.base_url.host, client.base_url.port or 0
    return socket.create_connection(address, timeout=PATIENCE)


def head(path: str = "/v1/search", length: int = 1000, more: str = "") -> bytes:
    return HEAD.format(path=path, length=length, more=more).encode()


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def waiting(client: httpx.Client) -> int:
    (line,) = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith('hueweave_queue_length{pool="work"}')
    ]
    return int(float(line.split()[1]))


def test_busy_server_still_answers_everything_else(opened: Opened, slow: Slow) -> None:
    with limited(opened, max_concurrent=2) as client, ThreadPoolExecutor(6) as clients:
        asked = [clients.submit(client.post, "/v1/search", json=QUERY) for _ in range(6)]
        try:
            slow.wait_for(2)
            for path in ("/healthz", "/readyz", "/metrics", "/v1/index", "/v1/items"):
                assert client.get(path, timeout=PATIENCE / 2).status_code == 200
            for path in ("/v1/items/000.png", "/v1/images/000.png", "/v1/attributes"):
                assert client.get(path, timeout=PATIENCE / 2).status_code == 200
            assert slow.calls == 2
        finally:
            slow.leave.set()
        assert [one.result(PATIENCE).status_code for one in asked] == [200] * 6


def test_request_past_the_queue_is_told_to_come_back_and_does(opened: Opened, slow: Slow) -> None:
    with (
        limited(opened, max_concurrent=1, max_queue=1) as client,
        ThreadPoolExecutor(2) as clients,
    ):
        asked = [clients.submit(client.post, "/v1/search", json=QUERY) for _ in range(2)]
        slow.wait_for(1)
        while waiting(client) < 1:
            pass
        answer = client.post("/v1/search", json=QUERY)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert "1 requests wait already" in answer.json()["detail"]
        thumbnail = client.get("/v1/thumbnails/000.png")
        assert thumbnail.status_code == 429
        slow.leave.set()
        assert [one.result(PATIENCE).status_code for one in asked] == [200] * 2
        assert client.post("/v1/search", json=QUERY).status_code == 200
        assert 'hueweave_refused_total{reason="queue"} 2.0' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image", "/v1/explain", "/v1/palette"])
def test_full_server_refuses_a_picture_before_it_is_sent(
    opened: Opened, slow: Slow, path: str
) -> None:
    with (
        limited(opened, max_concurrent=1, max_queue=0) as client,
        ThreadPoolExecutor(1) as clients,
    ):
        clients.submit(client.post, "/v1/search", json=QUERY)
        slow.wait_for(1)
        kind = "" if path in ("/v1/search", "/v1/explain") else "X-Unused: 1\r\n"
        sent = head(path, 100_000, f"{kind}Expect: 100-continue\r\nConnection: close\r\n")
        if kind:
            sent = sent.replace(b"application/json", b"multipart/form-data; boundary=x")
        with closing(connect(client)) as connection:
            connection.sendall(sent)
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 429 ")
        slow.leave.set()


def test_search_without_a_picture_does_not_wait_for_those_with(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, answer = Slow(), opened.searcher.answer

    def answer_or_wait(query: Query, parts: Any) -> Answer:
        return slow() if query.shows_pictures else answer(query, parts)

    monkeypatch.setattr(opened.searcher, "answer", answer_or_wait)
    palette = {"terms": [{"attribute": "color", "palette": [{"hex": "#205080"}]}]}
    with (
        limited(opened, max_concurrent=1, max_queue=1) as client,
        ThreadPoolExecutor(2) as clients,
    ):
        asked = [clients.submit(client.post, "/v1/search", json=QUERY) for _ in range(2)]
        try:
            slow.wait_for(1)
            while waiting(client) < 1:
                pass
            assert client.post("/v1/search", json=QUERY).status_code == 429
            for query in (BY_KEY, palette):
                found = client.post("/v1/search", json=query)
                assert found.status_code == 200, found.text
                assert found.json()["hits"]
        finally:
            slow.leave.set()
        assert [one.result(PATIENCE).status_code for one in asked] == [200] * 2


def test_request_whose_time_is_over_is_told_so_and_its_thread_stays_busy(
    opened: Opened, slow: Slow
) -> None:
    with limited(opened, max_concurrent=1, max_queue=0, request_timeout=0.05) as client:
        answer = client.post("/v1/search", json=QUERY)
        assert answer.status_code == 503
        assert "within 0.05 s, the request_timeout" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) >= 1
        slow.wait_for(1)
        assert client.post("/v1/search", json=QUERY).status_code == 429
        slow.leave.set()


def test_work_whose_client_left_while_it_waited_is_not_done(opened: Opened, slow: Slow) -> None:
    body = json.dumps(QUERY).encode()
    with limited(opened, max_concurrent=1) as client, ThreadPoolExecutor(1) as clients:
        first = clients.submit(client.post, "/v1/search", json=QUERY)
        slow.wait_for(1)
        with closing(connect(client)) as connection:
            connection.sendall(head(length=len(body)) + body)
            while waiting(client) < 1:
                pass
        while waiting(client):
            pass
        slow.leave.set()
        assert first.result(PATIENCE).status_code == 200
        assert slow.calls == 1
        assert 'hueweave_refused_total{reason="client_left"} 1.0' in client.get("/metrics").text


def test_clients_that_send_half_a_body_hold_no_worker(opened: Opened) -> None:
    count = 2
    with limited(opened, max_concurrent=count, max_queue=0) as client:
        halves = [connect(client) for _ in range(3 * count)]
        try:
            for half in halves:
                half.sendall(head() + b'{"terms": [')
            for _ in range(2 * count):
                assert client.post("/v1/search", json=QUERY).status_code == 200
        finally:
            for half in halves:
                half.close()


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image"])
def test_body_that_is_not_whole_in_time_is_a_problem_and_the_end_of_its_connection(
    opened: Opened, path: str
) -> None:
    sent = head(path) + b'{"terms": ['
    if path.endswith("image"):
        sent = head(path).replace(b"application/json", b"multipart/form-data; boundary=x") + b"--x"
    with limited(opened, body_timeout=0.05) as client:
        with closing(connect(client)) as connection:
            connection.sendall(sent)
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()
        assert b"the body was not whole within 0.05 s, the body_timeout" in answer
        assert b"application/problem+json" in answer
        assert 'hueweave_refused_total{reason="body_timeout"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"terms": [' + b"{}," * 60_000 + b"{}]}", "at most 64 items"),
        (b'{"terms": [' + b"{}," * 120_000 + b"{}]}", "the query has some 120,001 values"),
    ],
)
def test_query_of_more_values_than_any_needs_is_not_read(
    still_client: httpx.Client, body: bytes, words: str
) -> None:
    answer = still_client.post(
        "/v1/search", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


_NAMED = b'Content-Disposition: form-data; name="a%d"'


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(
            b"".join(b"--x\r\n" + _NAMED % n + b"\r\n\r\n\r\n" for n in range(1001)), id="fields"
        ),
        pytest.param(
            b"".join(b"--x\r\n" + _NAMED % n + b'; filename="a"\r\n\r\n\r\n' for n in range(1001)),
            id="files",
        ),
        pytest.param(b"--x\r\n" + _NAMED % 0 + b"\r\nX: " + b"x" * 10_000, id="header"),
        pytest.param(b"--x\r\n" + _NAMED % 0 + b"\r\nX: x" * 20 + b"\r\n\r\n", id="headers"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image", "/v1/palette"])
def test_form_of_too_many_parts_or_of_large_headers_is_not_read(
    still_client: httpx.Client, path: str, part: bytes
) -> None:
    answer = still_client.post(
        path,
        content=part + b"--x--\r\n",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
