"""Work in threads: so much at once, so much waiting, and nothing waits for longer than its time."""

import asyncio
import contextvars
import math
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import ClientDisconnect

from api.errors import BusyError, LateError
from service.stages import METER

Result = TypeVar("Result")
Gone = Callable[[], Awaitable[None]]
"""Returns when whoever waits for the result has left."""

# How much the newest duration counts in the mean that clients are told to come back after.
_NEWEST, _LONGEST_RETRY_S = 0.2, 60


class Workers:
    """``count`` threads (default: the processors), and at most ``queue`` calls waiting for one.

    More threads would gain no time and multiply memory. A call that nobody waits for any more is
    not begun; one that is under way cannot be stopped, so its thread counts as busy to its end.
    Belongs to one event loop.
    """

    def __init__(
        self, count: int | None = None, queue: int = 64, timeout: float | None = None
    ) -> None:
        self.count = self.threads(count)
        self._most, self._timeout = queue, timeout
        self._queue: deque[asyncio.Future[None]] = deque()
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="work")
        self._mean = 0.0
        self.busy = 0

    @staticmethod
    def threads(count: int | None) -> int:
        """Return how many threads ``count`` asks for."""
        return count or os.cpu_count() or 1

    @property
    def waiting(self) -> int:
        """How many calls wait for a thread."""
        return len(self._queue)

    @property
    def retry_after(self) -> int:
        """In how many whole seconds those now waiting are likely to be done; at least 1."""
        seconds = math.ceil(self._mean * (self.waiting + 1) / self.count)
        return max(1, min(seconds, _LONGEST_RETRY_S))

    def check(self) -> None:
        """Raise BusyError if no more calls may wait."""
        if self.busy + self.waiting >= self.count + self._most:
            raise BusyError(
                f"{self.waiting} requests wait already, the most that may: try again in "
                f"{self.retry_after} s",
                self.retry_after,
            )

    async def run(
        self, call: Callable[[], Result], gone: Gone | None = None, *, patient: bool = False
    ) -> Result:
        """Return what ``call`` returns, once a thread was free for it.

        Raises BusyError, LateError past the timeout, or ClientDisconnect once ``gone`` returns.
        A ``patient`` call, one of many of a streamed request, is not refused and has no timeout.
        """
        if not patient:
            self.check()
        loop = asyncio.get_running_loop()
        started = loop.time()
        end = None if patient or self._timeout is None else started + self._timeout
        watch = asyncio.ensure_future(gone()) if gone else None
        try:
            await self._turn(watch, end)
            METER.get().took("queue", loop.time() - started)
            job = self._start(call)
            await self._until(job, watch, end)
            return job.result()
        finally:
            if watch is not None:
                watch.cancel()

    def close(self) -> None:
        """Let the threads end, those at work once they are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, watch: "asyncio.Future[None] | None", end: float | None) -> None:
        """Return once a thread belongs to the caller."""
        if self.busy < self.count:
            self.busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await self._until(place, watch, end)
        except BaseException:
            if place.done():
                self._hand_on()
            else:
                self._queue.remove(place)
            raise

    def _hand_on(self) -> None:
        """Give the thread that became free to whoever waits longest."""
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self.busy -= 1

    def _start(self, call: Callable[[], Result]) -> "asyncio.Future[Result]":
        loop, started = asyncio.get_running_loop(), time.perf_counter()

        def done(job: "asyncio.Future[Result]") -> None:
            took = time.perf_counter() - started
            self._mean = self._mean + _NEWEST * (took - self._mean) if self._mean else took
            self._hand_on()
            if not job.cancelled():
                job.exception()  # seen, should nobody wait for it any more

        try:
            job = loop.run_in_executor(self._threads, contextvars.copy_context().run, call)
        except BaseException:
            self._hand_on()
            raise
        job.add_done_callback(done)
        return job

    async def _until(
        self,
        wanted: "asyncio.Future[Result]",
        watch: "asyncio.Future[None] | None",
        end: float | None,
    ) -> None:
        """Return when ``wanted`` is done; never cancels it."""
        left = None if end is None else max(0.0, end - asyncio.get_running_loop().time())
        both: set[asyncio.Future[None] | asyncio.Future[Result]] = {wanted}
        if watch is not None:
            both.add(watch)
        await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return
        if watch is not None and watch.done():
            raise ClientDisconnect
        raise LateError(
            f"no answer within {self._timeout:g} s, the request_timeout: try again in "
            f"{self.retry_after} s",
            self.retry_after,
        )
