"""Request bodies: refused while the server is busy, and stopped at their limits."""

import asyncio
from dataclasses import dataclass, field

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BusyError
from api.metrics import Metrics
from api.tracing import route_template, trace_of
from api.work import Workers
from api.working import is_streamed, may_look_up, needs_worker


@dataclass
class BodyLimits:
    """What bodies may be, in bytes and seconds, and the bytes of all that are under way.

    ``small`` is for routes that do not work: nothing of theirs is a picture.
    """

    one: int
    small: int
    all: int
    seconds: float
    held: int = field(default=0, init=False)


class Bodies:
    """Watches over the bodies of requests. The innermost middleware, since it needs the route.

    Refuses a body past its limit, by its declared length or once past it; one that is not whole in
    time; and all of them while there are too many or no worker will be had. A streamed body may be
    as long as it likes, and the time is that between two of its chunks.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits, metrics: Metrics) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, self._limits, self._metrics)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.release()
            trace_of(scope).route = route_template(scope)


class _Body:
    """The body of one request."""

    def __init__(
        self, scope: Scope, receive: Receive, limits: BodyLimits, metrics: Metrics
    ) -> None:
        self._scope, self._receive = scope, receive
        self._limits, self._metrics = limits, metrics
        self._seen, self._end, self._most = 0, 0.0, 0
        self._begun = self._whole = self._streamed = False

    async def receive(self) -> Message:
        """Return what the client sends next; raises HTTPException for what it may not send."""
        # FastAPI turns any other exception raised while it reads a body into a 400.
        if not self._begun:
            self._begin()
        if self._whole:
            return await self._receive()
        if self._streamed:
            self._end = asyncio.get_running_loop().time() + self._limits.seconds
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise self._late() from None
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            if not self._streamed:
                self._hold(len(message.get("body", b"")))
        return message

    def release(self) -> None:
        """Forget the body: its request was answered."""
        self._limits.held -= self._seen

    @property
    def _workers(self) -> Workers:
        workers: Workers = self._scope["app"].state.workers
        return workers

    def _begin(self) -> None:
        # Now, and not before: the route was found, and nothing has been read.
        self._begun = True
        self._streamed = is_streamed(self._scope)
        working = needs_worker(self._scope)
        self._most = self._limits.one if working else self._limits.small
        self._end = asyncio.get_running_loop().time() + self._limits.seconds
        declared = _content_length(self._scope)
        if declared > self._most and not self._streamed:
            # Not "Connection: close": while the client is still sending, that would reset the
            # connection and take this answer with it. The server throws away what comes.
            detail = f"the request has {declared:,} bytes, the limit is {self._most:,}"
            raise HTTPException(413, detail)
        if working and not self._may_look_up(declared):
            try:
                self._workers.check()
            except BusyError as error:
                raise self._busy(str(error), "queue") from error

    def _may_look_up(self, declared: int) -> bool:
        """Return whether the body may be a query without pictures, which needs no worker."""
        kind = dict(self._scope["headers"]).get(b"content-type", b"")
        small = 0 < declared <= self._limits.small and kind.startswith(b"application/json")
        return small and may_look_up(self._scope)

    def _hold(self, size: int) -> None:
        self._seen += size
        self._limits.held += size
        if self._seen > self._most:
            limit = f"the limit is {self._most:,} bytes"
            raise HTTPException(413, f"the request is too large, {limit}")
        if self._limits.held > self._limits.all:
            detail = f"the requests under way have more than {self._limits.all:,} bytes together"
            raise self._busy(detail, "bodies")

    def _busy(self, detail: str, reason: str) -> HTTPException:
        self._metrics.refused(reason)
        return HTTPException(429, detail, {"Retry-After": str(self._workers.retry_after)})

    def _late(self) -> HTTPException:
        self._metrics.refused("body_timeout")
        what = "no more of the body came" if self._streamed else "the body was not whole"
        detail = f"{what} within {self._limits.seconds:g} s, the body_timeout"
        return HTTPException(408, detail, {"Connection": "close"})


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
