"""Pictures of several requests through the network together; shallow and deep ones in turn."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Protocol

import numpy as np

from models.extraction import Extractor, PoolName, RawPools
from models.preprocess import Mask, Pixels
from service.lanes import Asked, Lane, Lanes
from service.stages import METER
from service.waiting import WAITER

# A batch of one lane is what the other lanes wait for. An accelerator is through with ``most`` in
# less time than this.
_LONGEST_S = 0.15
_FEWEST = 4
# Pictures that a processor takes together; those of more would not stay in a core's caches.
_ON_A_CORE = 4
# Pictures of one request that stay together; more would be a long batch of their own.
_PIECE = 8
# Pictures (of 150 kB each) whose requests let others decode meanwhile; the next keeps its turn.
_MOST_HELD = 256
# How much the newest batch counts in the mean of seconds a picture.
_NEWEST = 0.2


class Runs(Protocol):
    """What runs pictures through a network, alone or with others'."""

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools; see ``Extractor``."""
        ...


class Alone:
    """Runs the network in the thread that asks for it, and tells of it."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools; see ``Extractor``."""
        names = list(pools)
        METER.get().batch(len(pixels), max(name.block for name in names))
        return self._extractor.extract(pixels, names, content)


def _all_threads(sharing: int) -> AbstractContextManager[None]:
    return nullcontext()


class Batcher:
    """Gathers what threads ask of one network while that is busy. Thread-safe.

    A picture is begun at once, in the thread that asks, if the network is idle. Else it waits in
    the lane of its depth. An accelerator takes one batch at a time; a processor as many as it has
    cores, each on one of them: threads that share a batch wait for each other at every layer, and
    for ever longer when there is other work.
    """

    def __init__(
        self,
        extractor: Extractor,
        most: int = 32,
        *,
        at_once: int = 1,
        shared: Callable[[int], AbstractContextManager[None]] = _all_threads,
        longest: float = _LONGEST_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Run at most ``most`` pictures together, and fewer if they took over ``longest`` s.

        So many batches go ``at_once``, each within ``shared`` of how many share the processors.
        """
        self._extractor, self._shared = extractor, shared
        self._most = min(most, _ON_A_CORE) if at_once > 1 else most
        self._longest, self._clock, self._piece = longest, clock, min(self._most, _PIECE)
        self._guard = Lock()
        self._lanes, self._held = Lanes(), 0
        self._seconds: dict[Lane, float] = {}
        self._at_once, self._running = at_once, 0
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="network")

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools as ``Extractor.extract`` does, to within rounding: other pictures in
        the batch may make kernels add up in another order."""
        names = list(pools)
        lane = Lane(max(pool.block for pool in names), content is not None)
        asked = [
            Asked(pixels[part], names, None if content is None else content[part], METER.get())
            for part in (slice(at, at + self._piece) for at in range(0, len(pixels), self._piece))
        ]
        if len(asked) == 1 and self._begin(lane):
            try:
                return self._together(lane, asked, WAITER.get().sharing)[0]
            finally:
                self._end()
        found = self._wait(lane, asked, len(pixels))
        return {name: np.concatenate([raw[name] for raw in found]) for name in names}

    def _wait(self, lane: Lane, asked: Sequence[Asked], pictures: int) -> list[RawPools]:
        waiter = WAITER.get()
        with self._guard:
            keep = self._held + pictures > _MOST_HELD
            self._held += pictures
            for one in asked:
                self._lanes.add(lane, one)
        try:
            self._help()
            return [waiter(one.answer, keep) for one in asked]
        except BaseException:
            with self._guard:
                for one in asked:
                    one.answer.cancel()
                    self._lanes.drop(lane, one)
            raise
        finally:
            with self._guard:
                self._held -= pictures

    def _begin(self, lane: Lane) -> bool:
        """Return whether the network is there for the caller, who ends that."""
        with self._guard:
            idle = self._running < self._at_once and not self._lanes
            if idle:
                self._running += 1
                self._lanes.served(lane)
            return idle

    def _end(self) -> None:
        with self._guard:
            self._running -= 1
        self._help()

    def _help(self) -> None:
        """Let as many threads work as there is work for."""
        with self._guard:
            more = min(self._at_once - self._running, len(self._lanes))
            self._running += more
        for _ in range(more):
            self._threads.submit(self._work)

    def _work(self) -> None:
        while True:
            with self._guard:
                taken = self._lanes.take(self._room)
                if taken is None:
                    self._running -= 1
                    return
                sharing = self._running + len(self._lanes)
            self._run(*taken, sharing)

    def _room(self, lane: Lane) -> int:
        """Return how many pictures of a lane run together."""
        seconds = self._seconds.get(lane, 0.0)
        fit = int(self._longest / seconds) if seconds else self._most
        return max(min(fit, self._most), min(_FEWEST, self._most))

    def _run(self, lane: Lane, asked: Sequence[Asked], sharing: int) -> None:
        """Answer all of ``asked``, whatever happens."""
        try:
            found = self._together(lane, asked, sharing)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            if len(asked) == 1:
                asked[0].answer.set_exception(error)
                return
            for one in asked:  # nobody's request fails for another's
                self._run(lane, [one], sharing)
            return
        for one, raw in zip(asked, found, strict=True):
            one.answer.set_result(raw)

    def _together(self, lane: Lane, asked: Sequence[Asked], sharing: int) -> list[RawPools]:
        pixels = np.concatenate([one.pixels for one in asked])
        masks = [one.content for one in asked if one.content is not None]
        pools = list(dict.fromkeys(pool for one in asked for pool in one.pools))
        started = self._clock()
        with self._shared(sharing):
            raw = self._extractor.extract(pixels, pools, np.concatenate(masks) if masks else None)
        took = self._clock() - started
        self._note(lane, took / len(pixels))
        asked[0].meter.took("network", took)
        asked[0].meter.batch(len(pixels), lane.block)
        ends = np.cumsum([len(one.pixels) for one in asked])
        return [
            {pool: raw[pool][end - len(one.pixels) : end] for pool in one.pools}
            for one, end in zip(asked, ends, strict=True)
        ]

    def _note(self, lane: Lane, seconds: float) -> None:
        before = self._seconds.get(lane, seconds)
        self._seconds[lane] = before + _NEWEST * (seconds - before)
