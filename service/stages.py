"""How long the stages of answering take: told to whoever listens, to nobody in a command."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Meter(Protocol):
    """What is told of the work for one request, out of any thread."""

    def took(self, stage: str, seconds: float) -> None:
        """A stage of the answer took so long."""
        ...

    def batch(self, pictures: int, block: int) -> None:
        """So many pictures went through the network together, as deep as ``block``."""
        ...


class _Nobody:
    def took(self, stage: str, seconds: float) -> None:
        pass

    def batch(self, pictures: int, block: int) -> None:
        pass


_NOBODY = _Nobody()
METER: ContextVar[Meter] = ContextVar("meter", default=_NOBODY)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Tell how long the body takes, also if it fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        METER.get().took(name, time.perf_counter() - started)
