"""ASGI middleware, called as a server calls it."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.middleware.bodies import Bodies, BodyLimits
from api.middleware.failures import Failures
from api.middleware.head import HeadAsGet
from api.middleware.observing import Observing
from api.middleware.stopping import Stopping, Traffic
from api.readiness import Readiness
from api.tracing import REQUEST_ID
from api.work import Workers
from api.working import streams, works

LIMIT, SMALL, ALL, SECONDS = 10, 4, 25, 60.0
Headers = tuple[tuple[bytes, bytes], ...]


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


def route(*dependencies: Any) -> SimpleNamespace:
    """Return a route as it stands in a scope once it was found."""
    found = [SimpleNamespace(call=one) for one in dependencies]
    return SimpleNamespace(path_format="/p/{x}", dependant=SimpleNamespace(dependencies=found))


def call(
    app: ASGIApp,
    method: str = "POST",
    chunks: tuple[bytes, ...] = (b"",),
    headers: Headers = (),
    **more: Any,
) -> list[Message]:
    """Return what ``app`` sends for one request whose body comes in ``chunks``.

    After the last of ``chunks``, if that is empty, the client sends nothing more.
    """
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": "/p/1",
        "raw_path": b"/p/1",
        "headers": headers,
        **more,
    }
    last = len(chunks) - 1
    bodies = iter(
        {"type": "http.request", "body": chunk, "more_body": at < last}
        for at, chunk in enumerate(chunks)
    )
    sent: list[Message] = []

    async def receive() -> Message:
        message = next(bodies, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def body(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent[1:])


def bodies(app: ASGIApp, workers: Workers | None = None, seconds: float = SECONDS) -> ASGIApp:
    """Return ``app`` behind the limits, as one whose route is found before it reads."""
    inner = Bodies(app, BodyLimits(LIMIT, SMALL, ALL, seconds), Metrics())

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = SimpleNamespace(state=SimpleNamespace(workers=workers or Workers(1)))
        scope["state"] = {"trace": SimpleNamespace()}
        scope.setdefault("route", route(works))
        await inner(scope, receive, send)

    return outer


def refused(app: ASGIApp, **more: Any) -> HTTPException:
    """Return what is raised to the route that reads a body."""
    with pytest.raises(HTTPException) as caught:
        call(app, **more)
    return caught.value


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


@pytest.mark.parametrize(
    "middleware",
    [
        HeadAsGet,
        Failures,
        lambda app: Bodies(app, BodyLimits(LIMIT, SMALL, ALL, SECONDS), Metrics()),
        lambda app: Observing(app, Metrics()),
        lambda app: Stopping(app, Metrics(), Readiness(), Traffic()),
    ],
)
def test_what_is_not_http_is_left_alone(middleware: Any) -> None:
    app = Recorder()
    call(middleware(app), "HEAD", type="lifespan")
    assert app.scope is not None
    assert app.scope["method"] == "HEAD"


@pytest.mark.parametrize("chunks", [(b"x" * LIMIT,), (b"xxxxx", b"xxxxx"), (b"",)])
def test_body_up_to_the_limit_passes(chunks: tuple[bytes, ...]) -> None:
    length = str(sum(map(len, chunks))).encode()
    sent = call(bodies(Recorder()), chunks=chunks, headers=((b"content-length", length),))
    assert body(sent) == length


def test_declared_length_past_the_limit_is_refused_before_anything_is_read() -> None:
    error = refused(bodies(Recorder()), chunks=(), headers=((b"content-length", b"11"),))
    assert (error.status_code, error.headers) == (413, None)
    assert error.detail == "the request has 11 bytes, the limit is 10"


@pytest.mark.parametrize(
    "headers", [(), ((b"content-length", b"3"),), ((b"content-length", b"-"),)]
)
def test_body_without_an_honest_length_is_stopped_once_past_the_limit(headers: Headers) -> None:
    chunks = (b"x" * 6, b"x" * 5, b"never read")
    error = refused(bodies(Recorder()), chunks=chunks, headers=headers)
    assert error.status_code == 413
    assert "too large, the limit is 10 bytes" in error.detail


def test_streamed_body_may_be_of_any_length() -> None:
    headers = ((b"content-length", b"1000"),)
    chunks = (b"x" * 500, b"x" * 500)
    sent = call(bodies(Recorder()), chunks=chunks, headers=headers, route=route(streams))
    assert body(sent) == b"1000"


@pytest.mark.parametrize(("marks", "words"), [((), "was not whole"), ((streams,), "no more of")])
def test_body_that_does_not_come_is_given_up_and_its_connection_closed(
    marks: tuple[Any, ...], words: str
) -> None:
    app = bodies(Recorder(), seconds=0.001)
    error = refused(app, chunks=(), route=route(*marks))
    assert (error.status_code, error.headers) == (408, {"Connection": "close"})
    assert words in error.detail
    assert "within 0.001 s, the body_timeout" in error.detail


def test_bodies_under_way_are_bounded_together_and_let_go_of_with_their_answers() -> None:
    limits = BodyLimits(LIMIT, SMALL, LIMIT + 5, SECONDS)
    inner = Bodies(Recorder(), limits, Metrics())
    limits.held = 6  # of others

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        state = SimpleNamespace(workers=Workers(1))
        scope |= {"app": SimpleNamespace(state=state), "state": {"trace": SimpleNamespace()}}
        scope["route"] = route(works)
        await inner(scope, receive, send)

    error = refused(app, chunks=(b"x" * LIMIT,))
    assert (error.status_code, error.headers) == (429, {"Retry-After": "1"})
    assert "have more than 15 bytes together" in error.detail
    assert limits.held == 6
    assert body(call(app, chunks=(b"x" * 9,))) == b"9"
    assert limits.held == 6


def test_body_for_which_no_worker_will_be_had_is_not_read() -> None:
    full = Workers(1, queue=0)
    full._turns.ask()
    error = refused(bodies(Recorder(), full), chunks=(), route=route(works))
    assert (error.status_code, error.headers) == (429, {"Retry-After": "1"})
    assert body(call(bodies(Recorder(), full), route=route())) == b"0", "one that needs none is"


def test_body_of_a_route_that_takes_no_pictures_is_to_be_small() -> None:
    app = bodies(Recorder())
    assert body(call(app, chunks=(b"x" * SMALL,), route=route())) == b"4"
    error = refused(app, chunks=(b"x" * 3, b"x" * 2), route=route())
    assert (error.status_code, error.detail) == (
        413,
        "the request is too large, the limit is 4 bytes",
    )


async def _broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret")


def test_failure_is_answered_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sent = call(Failures(_broken))
    assert sent[0]["status"] == 500
    assert b"secret" not in body(sent)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_failure_in_the_middle_of_an_answer_breaks_it_off() -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        call(Failures(breaks))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"a-B_c.9", True),
        (b"x" * 64, True),
        (b"x" * 65, False),
        (b"", False),
        (b"a b", False),
        (b"a\n", False),
        (b'"}', False),
        (b"\xc3\xa4", False),
    ],
)
def test_request_keeps_the_id_it_brings_if_that_is_fit_for_a_log(given: bytes, kept: bool) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(REQUEST_ID.get())
        await Recorder()(scope, receive, send)

    sent = call(Observing(app, Metrics()), headers=((b"x-request-id", given),))
    (told,) = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    assert [told.decode()] == seen
    assert (told == given) is kept
    assert len(told) >= 7


def test_each_request_that_brings_no_id_has_its_own() -> None:
    app = Observing(Recorder(), Metrics())
    assert len({dict(call(app)[0]["headers"])[b"x-request-id"] for _ in range(3)}) == 3


@pytest.mark.parametrize("crowded", [True, False])
def test_server_that_stops_or_is_crowded_answers_only_probes(crowded: bool) -> None:
    readiness, traffic = Readiness(), Traffic()
    readiness.stopping = not crowded
    app = Stopping(Recorder(), Metrics(), readiness, traffic)
    state = {"state": {"crowded": crowded}}
    sent = call(app, **state)
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], headers[b"connection"]) == (503, b"close")
    assert headers[b"retry-after"] == b"1"
    assert ("stopping" in json.loads(body(sent))["detail"]) is not crowded
    for path in ("/healthz", "/readyz", "/metrics"):
        assert call(app, path=path, **state)[0]["status"] == 200
    assert traffic.under_way == 0
