"""Threads for a route's work, and what its route says of it through its dependencies."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from api.errors import BusyError, LateError
from api.metrics import Metrics
from api.tracing import trace_of
from api.work import Workers

Result = TypeVar("Result")


class RequestWork:
    """Runs the work of one request: not begun if its client has left, or its time is over."""

    def __init__(self, workers: Workers, metrics: Metrics, receive: Receive | None) -> None:
        self._workers, self._metrics, self._receive = workers, metrics, receive

    async def run(self, call: Callable[[], Result], *, patient: bool = False) -> Result:
        """Return what ``call`` returns, run in a thread; see Workers.run."""
        gone = None if self._receive is None else self._gone
        try:
            return await self._workers.run(call, gone, patient=patient)
        except BusyError:
            self._metrics.refused("queue")
            raise
        except LateError:
            self._metrics.refused("deadline")
            raise
        except ClientDisconnect:
            self._metrics.refused("client_left")
            raise

    async def _gone(self) -> None:
        # From the server itself: what comes after a body that was read is of no concern.
        assert self._receive is not None
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def works(request: Request) -> RequestWork:
    """Depended on: the route's work is processor-bound."""
    return _work_of(request, request.app.state.workers)


async def reads(request: Request) -> RequestWork:
    """Depended on: the route only reads the catalog, which is not to wait for others' work."""
    return _work_of(request, request.app.state.readers)


async def looks_up(request: Request) -> RequestWork:
    """Depended on: the route's work may be a search without pictures, which is not to wait for
    those with."""
    return _work_of(request, request.app.state.lookups)


async def streams() -> None:
    """Depended on: the route takes its body piece by piece while working, however long it is."""


def needs_worker(scope: Scope) -> bool:
    """Return whether the route that was found works."""
    return works in _dependencies(scope)


def may_look_up(scope: Scope) -> bool:
    """Return whether the route that was found may have no need of a worker after all."""
    return looks_up in _dependencies(scope)


def is_streamed(scope: Scope) -> bool:
    """Return whether the route that was found streams its body."""
    return streams in _dependencies(scope)


def _work_of(request: Request, workers: Workers) -> RequestWork:
    # A streamed body is still being read: who watches for its end would take from it.
    receive = None if is_streamed(request.scope) else trace_of(request.scope).receive
    return RequestWork(workers, request.app.state.metrics, receive)


def _dependencies(scope: Scope) -> list[Callable[..., Any] | None]:
    found = getattr(scope.get("route"), "dependant", None)
    return [one.call for one in found.dependencies] if found else []
