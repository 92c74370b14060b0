"""What waits for the network: a lane for each depth, so that shallow and deep ones take turns."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from models.extraction import PoolName, RawPools
from models.preprocess import Mask, Pixels
from service.stages import Meter


class Lane(NamedTuple):
    """What can share a forward pass: as deep as each other, and with or without masks."""

    block: int
    masked: bool


@dataclass(eq=False)
class Asked:
    """Pictures of one request, at most a batch."""

    pixels: Pixels
    pools: Sequence[PoolName]
    content: Mask | None
    meter: Meter
    answer: Future[RawPools] = field(default_factory=Future)


class Lanes:
    """Gives depths their turn one after the other, a batch each. Not thread-safe.

    A depth that was served waits until all others that want to be were: so no picture waits for
    more than one batch of another depth besides those that run already.
    """

    def __init__(self) -> None:
        self._lines: dict[Lane, deque[Asked]] = {}  # none is empty
        self._depths: dict[int, int] = {}
        self._lanes: dict[Lane, int] = {}
        self._batches = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, lane: Lane, asked: Asked) -> None:
        """Let ``asked`` wait."""
        self._lines.setdefault(lane, deque()).append(asked)

    def drop(self, lane: Lane, asked: Asked) -> None:
        """Forget ``asked``, if it waits."""
        line = self._lines.get(lane, deque())
        if asked in line:
            line.remove(asked)
        if not line:
            self._lines.pop(lane, None)

    def take(self, room: Callable[[Lane], int]) -> tuple[Lane, list[Asked]] | None:
        """Return the next batch, of at most ``room`` pictures of its lane, or None.

        What nobody waits for any more (its future is cancelled) is not in it.
        """
        while self._lines:
            lane = min(self._lines, key=self._last)
            taken = self._taken(lane, room(lane))
            if taken:
                self.served(lane)
                return lane, taken
        return None

    def served(self, lane: Lane) -> None:
        """Let all others go before ``lane``: it has had a batch."""
        self._batches += 1
        self._depths[lane.block] = self._lanes[lane] = self._batches

    def _last(self, lane: Lane) -> tuple[int, int, int]:
        return self._depths.get(lane.block, 0), lane.block, self._lanes.get(lane, 0)

    def _taken(self, lane: Lane, room: int) -> list[Asked]:
        line, taken = self._lines[lane], list[Asked]()
        while line and (not taken or len(line[0].pixels) <= room):
            one = line.popleft()
            if one.answer.set_running_or_notify_cancel():
                taken.append(one)
                room -= len(one.pixels)
        if not line:
            del self._lines[lane]
        return taken
