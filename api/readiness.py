"""Whether queries are answered yet, and still: one state that all who ask share."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import LOADING_PROBLEM, RETRY, problem_response


class Readiness:
    """Not before the index is loaded, and not once the server was told to stop."""

    def __init__(self) -> None:
        self.loaded = False
        self.stopping = False

    @property
    def missing(self) -> str | None:
        """Why queries are not answered, or None if they are."""
        if self.stopping:
            return "the server is stopping"
        return None if self.loaded else "the index is being loaded"


class UntilLoaded:
    """Refuses what needs an index before it is loaded, without reading the body."""

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self._app, self._readiness = app, readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needs_index = scope["type"] == "http" and scope["path"].startswith("/v1/")
        if not needs_index or self._readiness.loaded:
            await self._app(scope, receive, send)
            return
        detail = "the index is being loaded: ask again in a moment"
        response = problem_response(503, detail, scope["path"], kind=LOADING_PROBLEM, headers=RETRY)
        await response(scope, receive, send)
