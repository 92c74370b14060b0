"""Processor-bound work off the event loop, no more of it at once than there are processors."""

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

Result = TypeVar("Result")


class Workers:
    """Threads for decoding and the network.

    More at once would gain no time and multiply memory; and since these are not the threads that
    answer everything else, a busy server still says that it is alive.
    """

    def __init__(self, count: int | None = None) -> None:
        self._limiter = anyio.CapacityLimiter(count or os.cpu_count() or 1)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Return what ``call`` returns, once a thread was free for it."""
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)
