"""Work off the event loop: never more at once than asked, and nothing else waits for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import api.app
from api.work import Workers
from service.answer import Answer
from service.opening import Opened
from service.settings import Settings
from tests.serving import serving

AT_ONCE, PATIENCE = 3, 20


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


def test_as_many_as_asked_run_at_once_and_no_more() -> None:
    together, counter = threading.Barrier(AT_ONCE), Counter()

    def call() -> int:
        with counter:
            together.wait(PATIENCE)  # broken, and an error, unless three are in here
            return threading.get_ident()

    async def run() -> list[int]:
        workers = Workers(AT_ONCE)
        return await asyncio.gather(*(workers.run(call) for _ in range(4 * AT_ONCE)))

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
        return await workers.run(lambda: 7)

    assert asyncio.run(run()) == 7


def test_count_is_that_of_processors_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: None)
    together = threading.Barrier(1)

    async def run() -> int:
        return await Workers().run(lambda: together.wait(PATIENCE))

    assert asyncio.run(run()) == 0


def test_busy_server_still_answers_everything_else(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, entered, leave = Counter(), threading.Semaphore(0), threading.Event()

    def slow(*_: Any) -> Answer:
        with counter:
            entered.release()
            assert leave.wait(PATIENCE)
            return Answer(hits=[], exact=True, generation=1, took_ms=0)

    monkeypatch.setattr(api.app, "Workers", lambda: Workers(2))
    monkeypatch.setattr(opened.searcher, "answer", slow)
    query = {"terms": [{"attribute": "color", "image": {"key": "000.png"}}]}
    with serving(opened, settings) as client, ThreadPoolExecutor(6) as clients:
        waiting = [clients.submit(client.post, "/v1/search", json=query) for _ in range(6)]
        try:
            assert all(entered.acquire(timeout=PATIENCE) for _ in range(2))
            for path in ("/healthz", "/readyz", "/v1/index", "/v1/items", "/v1/images/000.png"):
                assert client.get(path, timeout=PATIENCE / 2).status_code == 200
            assert counter.inside == 2
        finally:
            leave.set()
        assert [one.result(PATIENCE).status_code for one in waiting] == [200] * 6
    assert counter.most == 2
