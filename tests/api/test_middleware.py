"""ASGI middleware, called as a server calls it."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.middleware import BodyLimit, HeadAsGet

LIMIT = 10


class Recorder:
    """An app that reads its whole body, tells how much that was, and remembers its scope."""

    scope: Scope | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        size, more = 0, scope["type"] == "http"
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message.get("more_body", False)
        body = str(size).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})


def call(
    app: ASGIApp,
    method: str = "POST",
    chunks: tuple[bytes, ...] = (b"",),
    headers: tuple[tuple[bytes, bytes], ...] = (),
    kind: str = "http",
) -> list[Message]:
    """Return what ``app`` sends for one request whose body comes in ``chunks``."""
    scope: dict[str, Any] = {"type": kind, "method": method, "path": "/p", "headers": headers}
    last = len(chunks) - 1
    bodies = iter(
        {"type": "http.request", "body": chunk, "more_body": at < last}
        for at, chunk in enumerate(chunks)
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(bodies)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def body(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent[1:])


def test_head_becomes_get_and_loses_only_its_body() -> None:
    app = Recorder()
    sent = call(HeadAsGet(app), "HEAD")
    assert app.scope is not None
    assert app.scope["method"] == "GET"
    assert sent[0] == call(Recorder(), "GET")[0]
    assert body(sent) == b""
    assert sent[-1].get("more_body", False) is False


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_methods_pass_as_they_are(method: str) -> None:
    app = Recorder()
    assert body(call(HeadAsGet(app), method)) == b"0"
    assert app.scope is not None
    assert app.scope["method"] == method


@pytest.mark.parametrize("middleware", [HeadAsGet, lambda app: BodyLimit(app, LIMIT)])
def test_what_is_not_http_is_left_alone(middleware: Any) -> None:
    app = Recorder()
    call(middleware(app), "HEAD", kind="lifespan")
    assert app.scope is not None
    assert app.scope["method"] == "HEAD"


@pytest.mark.parametrize("chunks", [(b"x" * LIMIT,), (b"xxxxx", b"xxxxx"), (b"",)])
def test_body_up_to_the_limit_passes(chunks: tuple[bytes, ...]) -> None:
    length = str(sum(map(len, chunks))).encode()
    sent = call(BodyLimit(Recorder(), LIMIT), chunks=chunks, headers=((b"content-length", length),))
    assert body(sent) == length


def test_declared_length_past_the_limit_is_refused_before_anything_is_read() -> None:
    app = Recorder()
    sent = call(BodyLimit(app, LIMIT), chunks=(), headers=((b"content-length", b"11"),))
    assert app.scope is None
    assert sent[0]["status"] == 413
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert b"connection" not in headers
    problem = json.loads(body(sent))
    assert problem["detail"] == "the request has 11 bytes, the limit is 10"
    assert problem["instance"] == "/p"


@pytest.mark.parametrize(
    "headers", [(), ((b"content-length", b"3"),), ((b"content-length", b"-"),)]
)
def test_body_without_an_honest_length_is_stopped_once_past_the_limit(headers: Any) -> None:
    chunks = (b"x" * 6, b"x" * 5, b"never read")
    with pytest.raises(HTTPException) as caught:
        call(BodyLimit(Recorder(), LIMIT), chunks=chunks, headers=headers)
    assert caught.value.status_code == 413
    assert "too large, the limit is 10 bytes" in caught.value.detail
