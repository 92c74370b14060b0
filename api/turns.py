"""Turns at the processors: so many at once, handed on in order, given up while waiting."""

from collections import deque
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import TypeVar

Result = TypeVar("Result")
Place = Future[None]
"""Done once the turn belongs to whoever asked for it."""


class Turns:
    """``count`` turns; at most ``away`` of those who have one may be elsewhere. Thread-safe.

    Whoever comes back goes before those who have not begun.
    """

    def __init__(self, count: int, away: int) -> None:
        self.count, self._most_away = count, away
        self._guard = Lock()
        self._line: deque[Place] = deque()
        self._back: deque[Place] = deque()
        self.busy = self.away = 0

    @property
    def waiting(self) -> int:
        """How many wait for a turn, their first or one again."""
        return len(self._line) + len(self._back)

    def ask(self) -> Place:
        """Return a place in the line, which may be done already."""
        return self._ask(self._line)

    def forget(self, place: Place) -> None:
        """Leave the line, or hand on the turn if it came this very moment."""
        with self._guard:
            left = place.cancel()
            # Who waits in a loop may have cancelled it before, and it been passed over since.
            if left and place in self._line:
                self._line.remove(place)
        if not left:
            self.end()

    def end(self) -> None:
        """Hand the turn to whoever waits longest."""
        with self._guard:
            following = self._following()
        if following is not None:
            following.set_result(None)

    def leave(self) -> bool:
        """Hand on the turn and be away, unless too many are."""
        with self._guard:
            if self.away >= self._most_away:
                return False
            self.away += 1
            following = self._following()
        if following is not None:
            following.set_result(None)
        return True

    def come_back(self) -> None:
        """Wait for a turn again."""
        self._ask(self._back, 1).result()

    def stay_away(self) -> None:
        """Forget the turn that was left: nobody comes back for it."""
        with self._guard:
            self.away -= 1

    def _ask(self, line: deque[Place], away: int = 0) -> Place:
        place: Place = Future()
        with self._guard:
            self.away -= away
            free = self.busy < self.count
            if free:
                self.busy += 1
            else:
                line.append(place)
        if free:
            place.set_result(None)
        return place

    def _following(self) -> Place | None:
        for line in (self._back, self._line):
            while line:
                place = line.popleft()
                if place.set_running_or_notify_cancel():  # from now on it cannot be cancelled
                    return place
        self.busy -= 1
        return None


class Turn:
    """The turn of one call: its ``WAITER``, which lets others work while it waits."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._guard = Lock()
        self._awaited: Future[object] | None = None
        self._abandoned = False
        self._held = True

    @property
    def sharing(self) -> int:
        """How many calls share the processors, this one among them."""
        return max(1, self._turns.busy + self._turns.waiting + self._turns.away)

    def __call__(self, answer: "Future[Result]", keep: bool = False) -> Result:
        """Return what ``answer`` becomes; raises CancelledError once the call is abandoned."""
        with self._guard:
            self._awaited = answer  # type: ignore[assignment]
            abandoned = self._abandoned
        if abandoned:
            answer.cancel()
        if answer.done() or keep or not self._turns.leave():
            return answer.result()
        self._held = False
        try:
            found = answer.result()
        except CancelledError:
            self._turns.stay_away()
            raise
        except BaseException:
            self._come_back()
            raise
        if self._abandoned:  # while the network was at it
            self._turns.stay_away()
            raise CancelledError
        self._come_back()
        return found

    def abandon(self) -> None:
        """Nobody waits for the call any more: what it waits for is cancelled unless begun."""
        with self._guard:
            self._abandoned, awaited = True, self._awaited
        if awaited is not None:
            awaited.cancel()

    def end(self) -> None:
        """Hand on the turn."""
        if self._held:
            self._turns.end()

    def _come_back(self) -> None:
        self._turns.come_back()
        self._held = True
