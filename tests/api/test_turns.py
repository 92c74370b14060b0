"""Calls that wait for the network let others work, and end when nobody waits for them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

import pytest
from starlette.requests import ClientDisconnect

from api.errors import BusyError
from api.turns import Turn, Turns
from api.work import Workers
from service.waiting import WAITER
from tests.api.test_work import until

PATIENCE = 20


class Away:
    """A call that waits for an answer, and says how that ended."""

    def __init__(self) -> None:
        self.answer: Future[str] = Future()
        self.ended: list[str] = []

    def __call__(self) -> str:
        try:
            found = WAITER.get()(self.answer)
        except CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append(found)
        return found


def test_call_that_waits_for_the_network_lets_another_work() -> None:
    async def run() -> None:
        workers, away = Workers(1, queue=4), Away()
        first = asyncio.ensure_future(workers.run(away))
        await until(lambda: workers.away == 1)
        assert await workers.run(lambda: "meanwhile") == "meanwhile"
        assert not first.done()
        away.answer.set_result("found")
        assert await first == "found"
        assert (workers.busy, workers.away, workers.waiting) == (0, 0, 0)
        workers.close()

    asyncio.run(run())


def test_whoever_waits_for_the_network_counts_as_waiting() -> None:
    async def run() -> None:
        workers, calls = Workers(1, queue=1), [Away(), Away()]
        first = asyncio.ensure_future(workers.run(calls[0]))
        await until(lambda: workers.away == 1)
        second = asyncio.ensure_future(workers.run(calls[1]))  # cannot leave as well: one may
        await until(lambda: workers.busy == 1)
        with pytest.raises(BusyError, match="1 requests wait already"):
            await workers.run(lambda: None)
        for call in calls:
            call.answer.set_result("found")
        assert await first == await second == "found"
        assert (workers.busy, workers.away) == (0, 0)
        workers.close()

    asyncio.run(run())


def test_whoever_comes_back_goes_before_those_who_have_not_begun() -> None:
    order: list[str] = []

    async def run() -> None:
        workers, away = Workers(1, queue=4), Away()
        first = asyncio.ensure_future(workers.run(lambda: order.append(away())))
        await until(lambda: workers.away == 1)
        begun, leave = threading.Event(), threading.Event()

        def holds() -> None:
            begun.set()
            assert leave.wait(PATIENCE)

        held = asyncio.ensure_future(workers.run(holds))
        await until(begun.is_set)
        new = asyncio.ensure_future(workers.run(lambda: order.append("new")))
        await until(lambda: workers.waiting == 1)
        away.answer.set_result("back")
        await until(lambda: len(workers._turns._back) == 1)
        leave.set()
        await asyncio.gather(first, held, new)
        workers.close()

    asyncio.run(run())
    assert order == ["back", "new"]


def test_call_whose_client_left_is_taken_from_what_waits_for_the_network() -> None:
    async def run() -> None:
        workers, away, left = Workers(1, queue=4), Away(), asyncio.Event()

        async def gone() -> None:
            await left.wait()

        asked = asyncio.ensure_future(workers.run(away, gone))
        await until(lambda: workers.away == 1)
        left.set()
        with pytest.raises(ClientDisconnect):
            await asked
        await until(lambda: workers.away == 0)
        assert away.answer.cancelled()
        await until(lambda: away.ended == ["cancelled"])
        assert await workers.run(lambda: 7) == 7
        workers.close()

    asyncio.run(run())


def test_call_that_was_abandoned_before_it_asks_does_not_wait() -> None:
    turns = Turns(1, away=1)
    turns.ask()
    turn = Turn(turns)
    turn.abandon()
    answer: Future[str] = Future()
    with pytest.raises(CancelledError):
        turn(answer)
    turn.end()
    assert (turns.busy, turns.away) == (0, 0)


def away_in(call: Callable[[], None], turns: Turns) -> threading.Thread:
    """Return the thread that a call was begun in, once it is away."""
    waiting = threading.Thread(target=call)
    waiting.start()
    while not turns.away:
        pass
    return waiting


def test_call_that_was_abandoned_while_the_network_was_at_it_does_not_come_back() -> None:
    turns = Turns(1, away=1)
    turns.ask()
    turn, ended = Turn(turns), list[str]()
    answer: Future[str] = Future()

    def call() -> None:
        try:
            turn(answer)
        except CancelledError:
            ended.append("cancelled")
        finally:
            turn.end()

    waiting = away_in(call, turns)
    answer.set_running_or_notify_cancel()
    turn.abandon()
    answer.set_result("found")
    waiting.join(PATIENCE)
    assert ended == ["cancelled"]
    assert (turns.busy, turns.away, turns.waiting) == (0, 0, 0)


def test_failure_of_the_network_comes_back_to_a_turn() -> None:
    turns = Turns(1, away=1)
    turns.ask()
    turn, answer = Turn(turns), Future[str]()
    answer.set_running_or_notify_cancel()
    failed = list[BaseException]()

    def call() -> None:
        try:
            turn(answer)
        except ValueError as error:
            failed.append(error)
            assert (turns.busy, turns.away) == (1, 0)
        finally:
            turn.end()

    waiting = away_in(call, turns)
    answer.set_exception(ValueError("seven"))
    waiting.join(PATIENCE)
    assert [str(one) for one in failed] == ["seven"]
    assert (turns.busy, turns.away) == (0, 0)


def test_call_that_keeps_its_turn_lets_nobody_else_work() -> None:
    turns = Turns(1, away=1)
    turns.ask()
    answer: Future[str] = Future()
    answer.set_result("found")
    turn = Turn(turns)
    assert turn(answer, keep=True) == "found"
    assert (turns.busy, turns.away, turn.sharing) == (1, 0, 1)


def test_without_a_queue_nobody_lets_go_of_a_turn() -> None:
    turns = Turns(1, away=0)
    turns.ask()
    answer: Future[str] = Future()
    waiting = threading.Thread(target=lambda: Turn(turns)(answer))
    waiting.start()
    answer.set_result("found")
    waiting.join(PATIENCE)
    assert (turns.busy, turns.away) == (1, 0)


def test_place_that_was_cancelled_and_passed_over_can_still_be_forgotten() -> None:
    turns = Turns(1, 0)
    turns.ask()
    place = turns.ask()
    place.cancel()  # as the loop does for who waits there
    turns.end()
    turns.forget(place)
    assert (turns.busy, turns.waiting) == (0, 0)
    assert turns.ask().done()
