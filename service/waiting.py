"""How a call waits for what another thread makes: as whoever runs it wants, or simply so."""

from concurrent.futures import Future
from contextvars import ContextVar
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Waiter(Protocol):
    """How one call waits."""

    @property
    def sharing(self) -> int:
        """How many calls share the processors now, this one among them; at least 1."""
        ...

    def __call__(self, answer: Future[Result], keep: bool = False) -> Result:
        """Return or raise what comes of ``answer``; CancelledError if nobody waits for the call.

        Others may work meanwhile, unless the call is to ``keep`` its turn.
        """
        ...


class _Simply:
    sharing = 1

    def __call__(self, answer: Future[Result], keep: bool = False) -> Result:
        return answer.result()


WAITER: ContextVar[Waiter] = ContextVar("waiter", default=_Simply())  # noqa: B039 - without state
