"""How a call waits for what another thread makes: as whoever runs it wants, or simply so."""

from concurrent.futures import Future
from contextvars import ContextVar
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Waiter(Protocol):
    """Waits for ``answer`` and returns or raises what comes of it, CancelledError if nobody
    waits for the call any more."""

    def __call__(self, answer: Future[Result]) -> Result: ...


def _simply(answer: Future[Result]) -> Result:
    return answer.result()


WAITER: ContextVar[Waiter] = ContextVar("waiter", default=_simply)
