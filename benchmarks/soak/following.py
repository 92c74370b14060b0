"""A second server on the same index, which has to see what is written through the first."""

import time
from dataclasses import dataclass, field, replace
from random import Random

from benchmarks.soak.calls import Caller, WrongAnswerError
from benchmarks.soak.catalog import Part
from benchmarks.soak.questions import Questions

_PATIENCE_S = 30.0


@dataclass
class Follower:
    """Looks in another server for a ``share`` of one client's writes, and takes the time."""

    part: Part
    caller: Caller
    share: float
    random: Random
    waits: list[float] = field(default_factory=list)

    def look(self, key: str) -> None:
        """Ask until the answer is right, as it would be here; raises WrongAnswerError at last."""
        if self.random.random() >= self.share or not self.part.items:
            return
        started = time.perf_counter()
        while True:
            # Its own chance, so that what the client does next is the same however often it asks.
            part = replace(self.part, random=Random(key))
            try:
                Questions(part, self.caller).search_by_key()
            except WrongAnswerError:
                if time.perf_counter() - started > _PATIENCE_S:
                    raise
            else:
                break
        self.waits.append(time.perf_counter() - started)
