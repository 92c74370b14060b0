"""Pictures of several threads through one network: gathered while it is busy, in turn by depth."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest

from models.extraction import PoolName, RawPools
from models.preprocess import Mask, Pixels
from service.batching import Batcher
from service.stages import METER
from service.waiting import WAITER
from tests.fakes import FakeExtractor

PATIENCE = 20
COLOR, TEXTURE = [PoolName(1, "gap"), PoolName(2, "foreground")], [PoolName(4, "foreground")]


class Gate(FakeExtractor):
    """The fake network, which waits in its first call until it is let go; notes its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.leave = threading.Event(), threading.Event()
        self.batches: list[tuple[int, int]] = []
        self.contents: list[bool] = []

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        pools = list(pools)
        self.batches.append((max(pool.block for pool in pools), len(pixels)))
        self.contents.append(content is not None)
        self.begun.set()
        assert self.leave.wait(PATIENCE)
        return super().extract(pixels, pools, content)


def squares(count: int, seed: int = 0) -> Pixels:
    found: Pixels = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), np.uint8)
    return found


class Noting:
    """Waits, and notes for what and whether it kept its turn."""

    sharing = 3

    def __init__(self, waits: list[Future[Any]]) -> None:
        self.asked, self._waits = threading.Event(), waits
        self.kept: list[bool] = []

    def __call__(self, answer: Future[Any], keep: bool = False) -> Any:
        self._waits.append(answer)
        self.kept.append(keep)
        self.asked.set()
        return answer.result(PATIENCE)


class Threads:
    """Asks a batcher out of threads, each having asked before the next one does."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._pool = ThreadPoolExecutor(32)
        self.waits: list[Future[Any]] = []
        self.waiters: list[Noting] = []

    def begin(self, pixels: Pixels, pools: list[PoolName]) -> Future[RawPools]:
        """Ask of an idle network, which is at it when this returns."""
        return self._pool.submit(self._batcher.extract, pixels, pools)

    def ask(self, pixels: Pixels, pools: list[PoolName], content: Any = None) -> Future[RawPools]:
        waiter = Noting(self.waits)
        self.waiters.append(waiter)

        def call() -> RawPools:
            WAITER.set(waiter)
            return self._batcher.extract(pixels, pools, content)

        found = self._pool.submit(copy_context().run, call)
        assert waiter.asked.wait(PATIENCE)
        return found


def while_busy(
    body: Callable[[Threads, Gate], list[Future[RawPools]]], **options: Any
) -> tuple[list[RawPools], Gate]:
    """Ask as ``body`` does while the network is at a picture of block 3; return the answers."""
    gate = Gate()
    threads = Threads(Batcher(gate, clock=lambda: 0.0, **options))
    first = threads.begin(squares(1), [PoolName(3, "gap")])
    assert gate.begun.wait(PATIENCE)
    asked = body(threads, gate)
    gate.leave.set()
    first.result(PATIENCE)
    answers = [one.result(PATIENCE) for one in asked]
    assert gate.batches.pop(0) == (3, 1)
    return answers, gate


def is_same(found: RawPools, expected: RawPools) -> None:
    assert set(found) == set(expected)
    for pool, rows in expected.items():
        np.testing.assert_allclose(found[pool], rows, rtol=1e-5, atol=1e-6)


def test_picture_is_begun_at_once_while_the_network_is_idle() -> None:
    gate = Gate()
    gate.leave.set()
    batcher = Batcher(gate)
    for _ in range(2):
        is_same(batcher.extract(squares(1), COLOR), FakeExtractor().extract(squares(1), COLOR))
    assert gate.batches == [(2, 1), (2, 1)]


def test_what_is_asked_meanwhile_goes_together_and_each_gets_its_own() -> None:
    given = [squares(1 + n % 2, seed=n) for n in range(5)]
    names = [COLOR, COLOR[1:], COLOR, COLOR[1:], COLOR]

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        return [threads.ask(one, pools) for one, pools in zip(given, names, strict=True)]

    answers, gate = while_busy(body)
    assert gate.batches == [(2, 7)]
    for found, pixels, pools in zip(answers, given, names, strict=True):
        is_same(found, FakeExtractor().extract(pixels, pools))


def test_depths_take_turns_and_no_batch_is_deeper_than_what_is_asked_of_it() -> None:
    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        deep = [threads.ask(squares(1, n), TEXTURE) for n in range(9)]
        return deep + [threads.ask(squares(1, n), COLOR) for n in range(3)]

    _, gate = while_busy(body, most=4)
    assert gate.batches == [(2, 3), (4, 4), (4, 4), (4, 1)]


def test_many_pictures_of_one_request_leave_room_for_others() -> None:
    many = squares(20)

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        return [threads.ask(many, TEXTURE), threads.ask(squares(1), COLOR)]

    answers, gate = while_busy(body, most=8)
    assert gate.batches == [(2, 1), (4, 8), (4, 8), (4, 4)]
    is_same(answers[0], FakeExtractor().extract(many, TEXTURE))


def test_pictures_with_masks_go_together_apart_from_those_without() -> None:
    mask = np.zeros((1, 16, 16), bool)
    mask[:, :8] = True

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        asked = [threads.ask(squares(1, n), COLOR, mask) for n in range(2)]
        return [*asked, threads.ask(squares(1, 0), COLOR)]

    answers, gate = while_busy(body)
    assert gate.batches == [(2, 2), (2, 1)]
    assert gate.contents == [False, True, False]
    is_same(answers[1], FakeExtractor().extract(squares(1, 1), COLOR, mask))
    is_same(answers[2], FakeExtractor().extract(squares(1, 0), COLOR))


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        left = threads.ask(squares(1), COLOR)
        stays = threads.ask(squares(2), COLOR)
        alone = threads.ask(squares(1), TEXTURE)
        for waited in (threads.waits[0], threads.waits[2]):
            assert waited.cancel()
        for one in (left, alone):
            with pytest.raises(CancelledError):
                one.result(PATIENCE)
        return [stays]

    _, gate = while_busy(body)
    assert gate.batches == [(2, 2)]


def test_batches_get_smaller_when_they_take_long() -> None:
    seconds = [0.0]

    class Timed(Gate):
        def extract(self, pixels: Pixels, *rest: Any) -> RawPools:
            seconds[0] += 0.02 * len(pixels)
            return super().extract(pixels, *rest)

    gate = Timed()
    threads = Threads(Batcher(gate, longest=0.1, clock=lambda: seconds[0]))
    first = threads.begin(squares(1), COLOR)
    assert gate.begun.wait(PATIENCE)
    asked = [threads.ask(squares(1), COLOR) for _ in range(12)]
    gate.leave.set()
    for one in (first, *asked):
        one.result(PATIENCE)
    assert [size for _, size in gate.batches] == [1, 5, 5, 2]


def test_shallow_picture_that_comes_while_deep_ones_run_goes_next() -> None:
    gate = Gate()
    threads = Threads(Batcher(gate, most=4))
    first = threads.begin(squares(1), TEXTURE)
    assert gate.begun.wait(PATIENCE)
    asked = [threads.ask(squares(1, n), TEXTURE) for n in range(8)]
    asked.append(threads.ask(squares(1), COLOR))
    gate.leave.set()
    for one in (first, *asked):
        one.result(PATIENCE)
    assert gate.batches == [(4, 1), (2, 1), (4, 4), (4, 4)]


def test_masked_and_unmasked_pictures_of_a_depth_share_its_turns() -> None:
    mask = np.ones((1, 16, 16), bool)

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        deep = [threads.ask(squares(1), TEXTURE, content) for content in (mask, None)]
        return [*deep, *(threads.ask(squares(1), COLOR) for _ in range(2))]

    _, gate = while_busy(body, most=1)
    assert [depth for depth, _ in gate.batches] == [2, 4, 2, 4]


class Shares:
    """Notes how many calls a batch shares the processors with."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    @contextmanager
    def shared(self, calls: int) -> Iterator[None]:
        self.seen.append(calls)
        yield


def test_several_batches_go_at_once_where_that_is_best_each_with_its_share() -> None:
    shares, gate = Shares(), Gate()
    threads = Threads(Batcher(gate, at_once=2, shared=shares.shared))
    first = threads.begin(squares(1), COLOR)
    assert gate.begun.wait(PATIENCE)
    gate.begun.clear()
    second = threads.begin(squares(1), TEXTURE)
    assert gate.begun.wait(PATIENCE), "while the first is at it"
    asked = [threads.ask(squares(1), COLOR) for _ in range(5)]
    gate.leave.set()
    for one in (first, second, *asked):
        one.result(PATIENCE)
    assert shares.seen[:2] == [1, 1]
    assert all(share > 1 for share in shares.seen[2:-1])
    assert sorted(size for _, size in gate.batches) in ([1, 1, 1, 4], [1, 1, 2, 3])


def test_idle_network_is_used_with_the_share_of_the_call_that_asks() -> None:
    shares, gate = Shares(), Gate()
    gate.leave.set()
    WAITER.set(Noting([]))
    Batcher(gate, at_once=2, shared=shares.shared).extract(squares(1), COLOR)
    assert shares.seen == [3]


def test_request_with_more_pictures_than_may_wait_keeps_its_turn() -> None:
    kept: list[list[bool]] = []

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        asked = []
        for count in (200, 56, 1):
            asked.append(threads.ask(squares(count), COLOR))
            kept.append(threads.waiters[-1].kept)
        return asked

    while_busy(body)
    assert [any(one) for one in kept] == [False, False, True]


def test_network_goes_on_after_a_listener_has_failed() -> None:
    class Broken:
        def took(self, stage: str, seconds: float) -> None:
            raise RuntimeError("nobody listens")

        def batch(self, pictures: int, block: int) -> None:
            pass

    gate = Gate()
    threads = Threads(Batcher(gate))
    first = threads.begin(squares(1), COLOR)
    assert gate.begun.wait(PATIENCE)
    token = METER.set(Broken())
    bad = threads.ask(squares(1), COLOR)
    METER.reset(token)
    good = threads.ask(squares(1), TEXTURE)
    gate.leave.set()
    for one in (first, good):
        one.result(PATIENCE)
    with pytest.raises(RuntimeError, match="nobody"):
        bad.result(PATIENCE)


def test_request_that_fails_fails_alone() -> None:
    class Picky(Gate):
        def extract(self, pixels: Pixels, *rest: Any) -> RawPools:
            found = super().extract(pixels, *rest)
            if (pixels == 7).all(axis=(1, 2, 3)).any():
                raise ValueError("seven")
            return found

    gate = Picky()
    threads = Threads(Batcher(gate))
    first = threads.begin(squares(1), COLOR)
    assert gate.begun.wait(PATIENCE)
    bad = threads.ask(np.full((1, 16, 16, 3), 7, np.uint8), COLOR)
    good = threads.ask(squares(1, 3), COLOR)
    gate.leave.set()
    first.result(PATIENCE)
    with pytest.raises(ValueError, match="seven"):
        bad.result(PATIENCE)
    is_same(good.result(PATIENCE), FakeExtractor().extract(squares(1, 3), COLOR))


def test_batch_is_told_once_with_its_size_and_depth() -> None:
    told: list[tuple[int, int]] = []

    class Meter:
        def took(self, stage: str, seconds: float) -> None:
            assert stage == "network"

        def batch(self, pictures: int, block: int) -> None:
            told.append((pictures, block))

    def body(threads: Threads, gate: Gate) -> list[Future[RawPools]]:
        token = METER.set(Meter())
        asked = [threads.ask(squares(1), TEXTURE) for _ in range(3)]
        METER.reset(token)
        return asked

    while_busy(body)
    assert told == [(3, 4)]
