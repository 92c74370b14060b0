"""How many threads a network on a processor may use: for the calling thread, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@cache
def all_threads() -> int:
    """Return how many threads one call of a network uses if nobody says otherwise.

    First asked before anything is ``shared``.
    """
    import torch

    return torch.get_num_threads()


@contextmanager
def shared(calls: int) -> Iterator[None]:
    """Let the body use its share of the threads if so many ``calls`` go at once."""
    import torch

    every = all_threads()
    if calls == 1 or every == 1:
        yield
        return
    torch.set_num_threads(max(1, every // calls))
    try:
        yield
    finally:
        torch.set_num_threads(every)
