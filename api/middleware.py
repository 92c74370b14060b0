"""ASGI middleware: HEAD wherever GET is, and bodies stopped at their limit."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response


class HeadAsGet:
    """Answers HEAD as GET would, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers_only(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_headers_only)


class BodyLimit:
    """Refuses a request whose body is larger than ``limit`` bytes, before it is all read."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _content_length(scope)
        if declared > self._limit:
            detail = f"the request has {declared:,} bytes, the limit is {self._limit:,}"
            response = problem_response(413, detail, scope["path"])
            # Not "Connection: close": while the client is still sending, that would reset the
            # connection and take this answer with it. The server throws away what comes.
            await response(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                # FastAPI turns any other exception raised while it reads a body into a 400.
                limit = f"the limit is {self._limit:,} bytes"
                raise HTTPException(413, f"the request is too large, {limit}")
            return message

        return counted


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
