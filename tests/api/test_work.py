"""Work off the event loop: so much at once, so much waiting, and no longer than it may."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import TypeVar

import pytest
from starlette.requests import ClientDisconnect

import api.work
from api.errors import BusyError, LateError
from api.work import Workers

AT_ONCE, PATIENCE = 3, 20
Result = TypeVar("Result")
WHO: ContextVar[str] = ContextVar("who", default="nobody")


class Counter:
    """Counts who is inside, and the most there ever were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inside = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.inside -= 1


class Held:
    """A call that lasts until it is let go, and says when it was begun."""

    def __init__(self) -> None:
        self.begun, self.leave = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.leave.wait(PATIENCE)
        return "done"


async def until(true: Callable[[], bool]) -> None:
    """Let the loop run until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0)


def while_busy(workers: Workers, body: Callable[[Held], Awaitable[Result]]) -> Result:
    """Run ``body`` while a call holds the only thread of ``workers``; let it go at the end."""

    async def run() -> Result:
        held = Held()
        busy = asyncio.ensure_future(workers.run(held, patient=True))
        try:
            await until(held.begun.is_set)
            return await body(held)
        finally:
            held.leave.set()
            assert await busy == "done"
            workers.close()

    return asyncio.run(run())


def never() -> None:
    raise AssertionError("it was begun")


def test_as_many_as_asked_run_at_once_and_no_more() -> None:
    together, counter = threading.Barrier(AT_ONCE), Counter()

    def call() -> int:
        with counter:
            together.wait(PATIENCE)  # broken, and an error, unless three are in here
            return threading.get_ident()

    async def run() -> list[int]:
        workers = Workers(AT_ONCE)
        found = await asyncio.gather(*(workers.run(call) for _ in range(4 * AT_ONCE)))
        assert (workers.busy, workers.waiting) == (0, 0)
        workers.close()
        return found

    threads = asyncio.run(run())
    assert counter.most == AT_ONCE
    assert threading.get_ident() not in threads


def test_error_comes_out_as_it_is_and_its_place_is_free_again() -> None:
    def broken() -> None:
        raise ZeroDivisionError("mine")

    async def run() -> int:
        workers = Workers(1)
        with pytest.raises(ZeroDivisionError, match="mine"):
            await workers.run(broken)
        found = await workers.run(lambda: 7)
        workers.close()
        return found

    assert asyncio.run(run()) == 7


def test_count_is_that_of_processors_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    assert (Workers().count, Workers(2).count) == (5, 2)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert Workers().count == 1


def test_call_has_the_context_of_whoever_asks_for_it() -> None:
    async def run() -> str:
        WHO.set("me")
        workers = Workers(1)
        found = await workers.run(WHO.get)
        workers.close()
        return found

    assert asyncio.run(run()) == "me"


def test_call_past_the_queue_is_refused_and_those_in_it_are_answered_in_order() -> None:
    workers, order = Workers(1, queue=2), list[int]()

    async def body(held: Held) -> None:
        waiting = [asyncio.ensure_future(workers.run(lambda n=n: order.append(n))) for n in (0, 1)]
        await until(lambda: workers.waiting == 2)
        with pytest.raises(BusyError, match="2 requests wait already") as caught:
            await workers.run(never)
        assert caught.value.retry_after == 1
        with pytest.raises(BusyError):
            workers.check()
        held.leave.set()
        await asyncio.gather(*waiting)
        workers.check()

    while_busy(workers, body)
    assert order == [0, 1]


def test_without_a_queue_only_what_can_begin_at_once_is_taken() -> None:
    workers = Workers(1, queue=0)

    async def body(held: Held) -> None:
        with pytest.raises(BusyError):
            await workers.run(never)

    while_busy(workers, body)


def test_patient_call_waits_though_the_queue_is_full() -> None:
    workers = Workers(1, queue=0, timeout=0)

    async def body(held: Held) -> str:
        waiting = asyncio.ensure_future(workers.run(lambda: "late", patient=True))
        await until(lambda: workers.waiting == 1)
        held.leave.set()
        return await waiting

    assert while_busy(workers, body) == "late"


@pytest.mark.parametrize(("took", "told"), [(0.2, 1), (4.0, 8), (400.0, 60)])
def test_clients_are_told_to_come_back_when_those_before_them_are_done(
    monkeypatch: pytest.MonkeyPatch, took: float, told: int
) -> None:
    times = iter([0.0, took])
    monkeypatch.setattr(api.work, "time", SimpleNamespace(perf_counter=lambda: next(times, 0.0)))
    workers = Workers(1, queue=1)

    async def run() -> int:
        await workers.run(lambda: None)  # of the duration that is known then
        held = Held()
        both = [asyncio.ensure_future(workers.run(one)) for one in (held, lambda: "")]
        await until(lambda: workers.waiting == 1)
        with pytest.raises(BusyError) as caught:
            workers.check()
        held.leave.set()
        await asyncio.gather(*both)
        workers.close()
        return caught.value.retry_after

    assert asyncio.run(run()) == told


def test_waiting_call_whose_time_is_over_is_never_begun() -> None:
    workers = Workers(1, timeout=0.001)

    async def body(held: Held) -> None:
        with pytest.raises(LateError, match=r"no answer within 0\.001 s, the request_timeout"):
            await workers.run(never)
        assert workers.waiting == 0

    while_busy(workers, body)


def test_running_call_whose_time_is_over_counts_as_busy_to_its_end() -> None:
    async def run() -> None:
        workers, held = Workers(1, queue=0, timeout=0.001), Held()
        with pytest.raises(LateError):
            await workers.run(held)
        await until(held.begun.is_set)
        with pytest.raises(BusyError):
            await workers.run(never)
        held.leave.set()
        await until(lambda: workers.busy == 0)
        workers.close()

    asyncio.run(run())


def test_waiting_call_whose_client_has_left_is_never_begun() -> None:
    workers = Workers(1)

    async def body(held: Held) -> None:
        left = asyncio.Event()

        async def gone() -> None:
            await left.wait()

        asked = asyncio.ensure_future(workers.run(never, gone))
        await until(lambda: workers.waiting == 1)
        left.set()
        with pytest.raises(ClientDisconnect):
            await asked
        assert workers.waiting == 0

    while_busy(workers, body)


def test_thread_that_becomes_free_as_its_client_leaves_goes_to_the_next() -> None:
    workers = Workers(1)

    async def body(held: Held) -> str:
        asked = asyncio.ensure_future(workers.run(never))
        following = asyncio.ensure_future(workers.run(lambda: "next"))
        await until(lambda: workers.waiting == 2)
        loop, first = asyncio.get_running_loop(), workers._turns._line[0]
        first.add_done_callback(lambda _: loop.call_soon_threadsafe(asked.cancel))
        held.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return await following

    assert while_busy(workers, body) == "next"
    assert workers.busy == 0
