"""Pictures of several requests through the network together; shallow and deep ones in turn."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np

from models.extraction import Extractor, PoolName, RawPools
from models.preprocess import Mask, Pixels
from service.stages import METER, Meter
from service.waiting import WAITER

# A batch of one lane is what the other lanes wait for. From some eight pictures on a processor
# gains little by more; an accelerator is through with ``most`` in less time than this.
_LONGEST_S = 0.15
_FEWEST = 4
# Pictures of one request that stay together; more would be a long batch of their own.
_PIECE = 8
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


class _Lane(NamedTuple):
    """What can share a forward pass: as deep as each other, and with or without masks."""

    block: int
    masked: bool


@dataclass(eq=False)
class _Asked:
    """Pictures of one request, at most a batch."""

    pixels: Pixels
    pools: Sequence[PoolName]
    content: Mask | None
    meter: Meter
    answer: Future[RawPools] = field(default_factory=Future)


class Batcher:
    """Gathers what threads ask of one network while that is busy. Thread-safe.

    A picture is begun at once if the network is idle. Else it waits in the lane of its depth; lanes
    have their turn one after the other, a batch each, so that no depth waits for all of another.
    What nobody waits for any more (its future is cancelled) is not begun.
    """

    def __init__(
        self,
        extractor: Extractor,
        most: int = 32,
        longest: float = _LONGEST_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Run at most ``most`` pictures together, and fewer if they took over ``longest`` s."""
        self._extractor, self._most, self._longest = extractor, most, longest
        self._clock, self._piece = clock, min(most, _PIECE)
        self._guard = Lock()
        self._lanes: dict[_Lane, deque[_Asked]] = {}  # the next one first; none is empty
        self._seconds: dict[_Lane, float] = {}
        # One thread: kernels have their own, and those of a second batch would get in their way.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        """Return raw pools as ``Extractor.extract`` does, to within rounding: other pictures in
        the batch may make kernels add up in another order."""
        names = list(pools)
        lane = _Lane(max(pool.block for pool in names), content is not None)
        asked = [
            _Asked(pixels[part], names, None if content is None else content[part], METER.get())
            for part in (slice(at, at + self._piece) for at in range(0, len(pixels), self._piece))
        ]
        for one in asked:
            with self._guard:
                self._lanes.setdefault(lane, deque()).append(one)
            self._thread.submit(self._run_next)
        wait = WAITER.get()
        try:
            found = [wait(one.answer) for one in asked]
        except BaseException:
            for one in asked:
                one.answer.cancel()
            raise
        return {name: np.concatenate([raw[name] for raw in found]) for name in names}

    def _run_next(self) -> None:
        """Run one batch, if there is anything left: asked for as often as anything was."""
        lane, asked = self._take()
        if lane is not None:
            self._run(lane, asked)

    def _take(self) -> tuple[_Lane | None, list[_Asked]]:
        with self._guard:
            while self._lanes:
                lane = next(iter(self._lanes))
                line, taken = self._lanes.pop(lane), list[_Asked]()
                room = self._room(lane)
                while line and (not taken or len(line[0].pixels) <= room):
                    one = line.popleft()
                    if one.answer.set_running_or_notify_cancel():
                        taken.append(one)
                        room -= len(one.pixels)
                if line:
                    self._lanes[lane] = line  # behind all others
                if taken:
                    return lane, taken
        return None, []

    def _room(self, lane: _Lane) -> int:
        """Return how many pictures of a lane run together."""
        seconds = self._seconds.get(lane, 0.0)
        fit = int(self._longest / seconds) if seconds else self._most
        return max(min(fit, self._most), min(_FEWEST, self._most))

    def _run(self, lane: _Lane, asked: Sequence[_Asked]) -> None:
        pixels = np.concatenate([one.pixels for one in asked])
        masks = [one.content for one in asked if one.content is not None]
        pools = list(dict.fromkeys(pool for one in asked for pool in one.pools))
        started = self._clock()
        try:
            raw = self._extractor.extract(pixels, pools, np.concatenate(masks) if masks else None)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            if len(asked) == 1:
                asked[0].answer.set_exception(error)
            else:  # nobody's request fails for another's
                for one in asked:
                    self._run(lane, [one])
            return
        took = self._clock() - started
        self._note(lane, took / len(pixels))
        asked[0].meter.took("network", took)
        asked[0].meter.batch(len(pixels), lane.block)
        first = 0
        for one in asked:
            rows = slice(first, first + len(one.pixels))
            first = rows.stop
            one.answer.set_result({pool: raw[pool][rows] for pool in one.pools})

    def _note(self, lane: _Lane, seconds: float) -> None:
        before = self._seconds.get(lane, seconds)
        self._seconds[lane] = before + _NEWEST * (seconds - before)
