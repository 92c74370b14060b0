"""Work in threads: so much at once, so much waiting, and nothing waits for longer than its time."""

import asyncio
import contextvars
import math
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import ClientDisconnect

from api.errors import BusyError, LateError
from api.turns import Turn, Turns
from service.stages import METER
from service.waiting import WAITER

Result = TypeVar("Result")
Gone = Callable[[], Awaitable[None]]
"""Returns when whoever waits for the result has left."""

# How much the newest duration counts in the mean that clients are told to come back after.
_NEWEST, _LONGEST_RETRY_S = 0.2, 60
# Most calls that let others work while they wait: some batches of the network, each with a thread.
_AWAY = 64


class Workers:
    """``count`` threads at work (default: the processors), and at most ``queue`` calls that wait.

    More threads would gain no time and multiply memory. A call that waits for the network lets
    another work meanwhile, and counts as one that waits. A call that nobody waits for any more is
    not begun; one that is under way cannot be stopped, so its thread counts as busy to its end.
    """

    def __init__(
        self, count: int | None = None, queue: int = 64, timeout: float | None = None
    ) -> None:
        self.count = self.threads(count)
        self._most, self._timeout = queue, timeout
        away = min(queue, _AWAY)
        self._turns = Turns(self.count, away)
        self._threads = ThreadPoolExecutor(self.count + away, thread_name_prefix="work")
        self._mean = 0.0

    @staticmethod
    def threads(count: int | None) -> int:
        """Return how many threads ``count`` asks for."""
        return count or os.cpu_count() or 1

    @property
    def busy(self) -> int:
        """How many calls are at work."""
        return self._turns.busy

    @property
    def away(self) -> int:
        """How many calls wait for the network."""
        return self._turns.away

    @property
    def waiting(self) -> int:
        """How many calls wait for a thread."""
        return self._turns.waiting

    @property
    def retry_after(self) -> int:
        """In how many whole seconds those now waiting are likely to be done; at least 1."""
        at_once = max(self.count, self.busy + self.away)
        seconds = math.ceil(self._mean * (self.waiting + 1) / at_once)
        return max(1, min(seconds, _LONGEST_RETRY_S))

    def check(self) -> None:
        """Raise BusyError if no more calls may wait."""
        if self.busy + self.away + self.waiting >= self.count + self._most:
            raise BusyError(
                f"{self.waiting + self.away} requests wait already, the most that may: try again "
                f"in {self.retry_after} s",
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
            turn = Turn(self._turns)
            job = self._start(call, turn)
            try:
                await self._until(job, watch, end)
            except BaseException:
                turn.abandon()
                raise
            return job.result()
        finally:
            if watch is not None:
                watch.cancel()

    def close(self) -> None:
        """Let the threads end, those at work once they are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, watch: "asyncio.Future[None] | None", end: float | None) -> None:
        """Return once a turn belongs to the caller."""
        place = self._turns.ask()
        if place.done():
            return
        try:
            await self._until(asyncio.wrap_future(place), watch, end)
        except BaseException:
            self._turns.forget(place)
            raise

    def _start(self, call: Callable[[], Result], turn: Turn) -> "asyncio.Future[Result]":
        loop, started = asyncio.get_running_loop(), time.perf_counter()
        context = contextvars.copy_context()
        context.run(WAITER.set, turn)

        def work() -> Result:
            try:
                return context.run(call)
            finally:
                took = time.perf_counter() - started
                self._mean = self._mean + _NEWEST * (took - self._mean) if self._mean else took
                turn.end()

        try:
            job = loop.run_in_executor(self._threads, work)
        except BaseException:
            turn.end()
            raise
        # Seen, should nobody wait for it any more.
        job.add_done_callback(lambda job: job.cancelled() or job.exception())
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
