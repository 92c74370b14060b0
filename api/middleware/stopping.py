"""No new work for a server that was told to stop, or that has too many connections."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import RETRY, problem_response
from api.readiness import Readiness
from api.tracing import PROBES


@dataclass
class Traffic:
    """How many requests are under way that the server ends before it stops."""

    under_way: int = field(default=0)


@dataclass(frozen=True)
class Stopping:
    """Refuses requests once the server is stopping, and counts those it is to end first.

    Refuses those of a connection too many, too; probes always pass.
    """

    app: ASGIApp
    metrics: Metrics
    readiness: Readiness
    traffic: Traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        refused = self._refuse(scope)
        if refused is not None:
            headers = {**RETRY, "Connection": "close"}
            answer = problem_response(503, refused, scope["path"], headers=headers)
            await answer(scope, receive, send)
            return
        self.traffic.under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.traffic.under_way -= 1

    def _refuse(self, scope: Scope) -> str | None:
        if self.readiness.stopping:
            return "the server is stopping"
        if scope.get("state", {}).get("crowded"):
            self.metrics.refused("connections")
            return "the server has more connections than it can serve"
        return None
