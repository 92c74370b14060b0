"""Failures nobody foresaw, answered and logged once."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import unexpected


class Failures:
    """Answers a request whose route failed. Inside of what adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = scope["type"] != "http"

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as error:
            if started:  # too late to say so: the server breaks the connection off
                raise
            await unexpected(scope["path"], error)(scope, receive, send)
