"""Many changes in one request, answered line by line while they come."""

import asyncio
import base64
import errno
import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import httpx
import pytest
from starlette.types import Message

import api.inbox
from api.routes.bulk import BulkResponse
from indexer.errors import UnknownKeyError
from service.bulk import LINES, Failed, Outcome
from service.editing import Editor
from service.opening import Opened
from service.settings import Settings
from tests.pictures import picture
from tests.serving import serving

Line = dict[str, Any]
HEADERS = {"content-type": LINES}
PATIENCE = 30


def put(key: str, data: bytes, **metadata: object) -> Line:
    text = base64.b64encode(data).decode()
    return {"put": {"key": key, "base64": text, "metadata": metadata}}


def patch(key: str, **metadata: object) -> Line:
    return {"patch": {"key": key, "metadata": metadata}}


def delete(key: str) -> Line:
    return {"delete": {"key": key}}


def body(lines: list[Line | bytes]) -> bytes:
    return b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines
    )


def bulk(client: httpx.Client, lines: list[Line | bytes]) -> list[Line]:
    answer = client.post("/v1/bulk", content=body(lines), headers=HEADERS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == LINES
    return [json.loads(line) for line in answer.content.splitlines()]


def test_every_line_is_answered_in_its_order(client: httpx.Client) -> None:
    found = bulk(
        client,
        [
            put("a", picture(1), n=1),
            patch("a", n=2),
            put("b", picture(2)),
            b"",
            delete("003.png"),
            put("a", picture(1), n=2),
        ],
    )
    assert found == [
        {"line": 1, "key": "a", "status": 201, "result": "created"},
        {"line": 2, "key": "a", "status": 200, "result": "patched"},
        {"line": 3, "key": "b", "status": 201, "result": "created"},
        {"line": 5, "key": "003.png", "status": 204, "result": "removed"},
        {"line": 6, "key": "a", "status": 200, "result": "unchanged"},
    ]
    assert client.get("/v1/items/a").json()["metadata"] == {"n": 2}
    assert client.get("/v1/images/b").content == picture(2)
    assert client.get("/v1/index").json()["items"] == 21


def test_lines_that_fail_say_why_and_the_others_go_on(client: httpx.Client) -> None:
    found = bulk(
        client,
        [
            b"{nonsense",
            put("bad", b"no picture"),
            put("large", bytes(200_001)),
            put("\0", picture(1)),
            delete("nope"),
            b'{"put": {"key": "u", "url": "http://example.com/a.png"}}',
            put("a", picture(1), n="text"),
            patch("a", n=1),
            b"x" * 500_000,
            put("last", picture(2)),
        ],
    )
    assert [one["status"] for one in found] == [400, 422, 413, 422, 404, 422, 201, 422, 413, 201]
    assert [one["line"] for one in found] == list(range(1, 11))
    assert found[0]["detail"].startswith("line 1: it is not JSON")
    assert "expected one of JPEG" in found[1]["detail"]
    assert found[4] == {
        "line": 5,
        "key": "nope",
        "status": 404,
        "detail": "no item has the key 'nope'",
    }
    assert "url_hosts" in found[5]["detail"]
    assert "line is too long" in found[8]["detail"]
    assert client.get("/v1/index").json()["items"] == 22


def test_body_may_be_longer_than_any_other(client: httpx.Client, settings: Settings) -> None:
    lines: list[Line | bytes] = [b" " * 1000] * 500
    assert len(body(lines)) > settings.max_bytes * 2
    assert bulk(client, [*lines, delete("001.png")])[0]["status"] == 204


def test_what_is_no_lines_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/bulk", json=delete("001.png"))
    assert answer.status_code == 415
    assert answer.json()["detail"] == f"content type 'application/json': expected {LINES}"
    assert bulk(client, []) == []


def test_pictures_that_come_together_go_through_the_network_together(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    put_many = Editor.put_many

    def watched(self: Editor, puts: Any) -> Any:
        sizes.append(len(puts))
        return put_many(self, puts)

    monkeypatch.setattr(Editor, "put_many", watched)
    found = bulk(client, [put(f"{at}", picture(at)) for at in range(100)])
    assert [one["status"] for one in found] == [201] * 100
    assert sum(sizes) == 100
    assert len(sizes) < 50
    assert max(sizes) <= 32


def test_answers_come_while_lines_are_still_being_sent(client: httpx.Client) -> None:
    with closing(connect(client)) as connection:
        send_head(connection)
        answered = connection.makefile("rb")
        read_head(answered, after=lambda: send(connection, put("a", picture(1))))
        assert next(chunks(answered)) == {
            "line": 1,
            "key": "a",
            "status": 201,
            "result": "created",
        }
        assert client.get("/v1/images/a").content == picture(1)
        send(connection, delete("a"))
        assert next(chunks(answered))["status"] == 204
        assert client.get("/v1/items/a").status_code == 404
        connection.sendall(b"0\r\n\r\n")
        assert list(chunks(answered)) == []


def test_client_that_sends_all_before_it_reads_gets_all_answers(client: httpx.Client) -> None:
    # More than the buffers of both sockets hold of lines, and of answers.
    count = 30_000
    lines = body([patch(f"{at:0400}", a=[]) for at in range(count)])
    assert len(lines) > 12 * 1024 * 1024
    with closing(connect(client, buffers=65536)) as connection:
        connection.sendall(
            b"POST /v1/bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Content-Type: application/x-ndjson\r\n"
            b"Content-Length: %d\r\n\r\n" % len(lines)
        )
        connection.sendall(lines)  # it would not return, were answers to be read first
        answered = connection.makefile("rb")
        read_head(answered)
        found = list(chunks(answered))
    assert [one["line"] for one in found] == list(range(1, count + 1))
    assert {one["status"] for one in found} == {422}


def test_what_was_answered_stays_though_the_client_leaves(client: httpx.Client) -> None:
    with closing(connect(client)) as connection:
        send_head(connection)
        answered = connection.makefile("rb")
        read_head(answered, after=lambda: send(connection, put("a", picture(1))))
        assert next(chunks(answered))["status"] == 201
        connection.sendall(b'11\r\n{"delete": {"key"\r\n')  # and no more
    assert client.get("/v1/images/a").content == picture(1)
    assert bulk(client, [delete("a")])[0]["status"] == 204


def test_client_that_sends_no_more_is_told_so_and_what_it_sent_is_done(
    opened: Opened,
) -> None:
    settings = Settings(max_bytes=200_000, body_timeout=0.2)
    with serving(opened, settings) as client, closing(connect(client)) as connection:
        send_head(connection)
        answered = connection.makefile("rb")
        read_head(answered, after=lambda: send(connection, delete("001.png")))
        found = list(chunks(answered))
        assert [one["status"] for one in found] == [204, 408]
        assert "no more of the body came" in found[1]["detail"]


def test_full_disk_fails_only_what_met_it(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        found = bulk(client, [put("a", picture(1)), put("bad", b""), put("b", picture(2))])
    assert [one["status"] for one in found] == [507, 422, 507]
    assert [one["status"] for one in bulk(client, [put("a", picture(1))])] == [201]


def test_failure_nobody_foresaw_is_told_without_its_words(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Editor, puts: Any) -> Any:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(Editor, "put_many", broken)
    found = bulk(client, [put("a", picture(1)), delete("001.png")])
    assert [one["status"] for one in found] == [500, 204]
    assert found[0]["detail"] == "something went wrong in the server"


def test_busy_server_refuses_the_whole_request(opened: Opened) -> None:
    begun, go_on = threading.Event(), threading.Event()
    put_many = opened.editor.put_many

    def slow(puts: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE)
        return put_many(puts)

    settings = Settings(max_bytes=200_000, max_concurrent=1, max_queue=0)
    with pytest.MonkeyPatch.context() as patched, serving(opened, settings) as client:
        patched.setattr(opened.editor, "put_many", slow)
        answers: list[list[Line]] = []
        first = threading.Thread(
            target=lambda: answers.append(bulk(client, [put("a", picture(1))]))
        )
        first.start()
        assert begun.wait(PATIENCE)
        refused = client.post("/v1/bulk", content=body([delete("001.png")]), headers=HEADERS)
        assert refused.status_code == 429
        assert "retry-after" in refused.headers
        go_on.set()
        first.join()
    assert answers[0][0]["status"] == 201


def respond(messages: list[Message], *, stopping: bool = False) -> tuple[list[bytes], list[Line]]:
    """Return the lines that were worked on and the answers, the client having sent ``messages``."""
    worked: list[bytes] = []
    sent = b""

    async def run(lines: Sequence[api.inbox.Line]) -> list[Outcome]:
        worked.extend(line.text or b"" for line in lines)
        return [Failed("a", UnknownKeyError("why")) for _ in lines]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        nonlocal sent
        sent += message.get("body", b"")

    asyncio.run(BulkResponse(run, 8, 100, lambda: stopping)({}, receive, send))
    return worked, [json.loads(line) for line in sent.splitlines()]


def test_half_a_line_of_a_client_who_left_is_not_worked_on() -> None:
    begun = {"type": "http.request", "body": b"whole\nhalf", "more_body": True}
    worked, _ = respond([begun, {"type": "http.disconnect"}])
    assert worked in ([], [b"whole"])
    ended = {"type": "http.request", "body": b"", "more_body": False}
    worked, answers = respond([begun, ended])
    assert worked == [b"whole", b"half"]
    assert [one["status"] for one in answers] == [404, 404]


def test_server_that_is_told_to_stop_says_where_it_stopped() -> None:
    begun = {"type": "http.request", "body": b"\none\ntwo\n", "more_body": True}
    ended = {"type": "http.request", "body": b"", "more_body": False}
    worked, answers = respond([begun, ended], stopping=True)
    assert worked == []
    assert answers == [{"line": 2, "status": 503, "detail": "the server is stopping"}]


def connect(client: httpx.Client, buffers: int | None = None) -> socket.socket:
    connection = socket.socket()
    if buffers is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
    connection.settimeout(PATIENCE)
    connection.connect((client.base_url.host, client.base_url.port or 0))
    return connection


def send_head(connection: socket.socket) -> None:
    connection.sendall(
        b"POST /v1/bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )


def send(connection: socket.socket, line: Line) -> None:
    data = body([line]) + b"\n"
    connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))


def read_head(answered: Any, after: Any = lambda: None) -> None:
    after()
    assert answered.readline().startswith(b"HTTP/1.1 200 ")
    while answered.readline().strip():
        pass


def chunks(answered: Any) -> Iterator[Line]:
    """Yield the lines of an answer in chunks."""
    rest = b""
    while size := int(answered.readline(), 16):
        rest += answered.read(size)
        answered.readline()
        *whole, rest = rest.split(b"\n")
        yield from map(json.loads, whole)
    assert rest == b""
