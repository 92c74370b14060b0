"""Requests that are counted, and answers that are checked."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.urls import item_url

Tally = Counter[tuple[str, str, int]]
"""Answers by route, method and status, as /metrics has them."""
_RETRIES = 10_000


class WrongAnswerError(AssertionError):
    """An answer that is not what the client knows to be true."""


def check(right: bool, what: str) -> None:
    """Raise WrongAnswerError unless an answer is right."""
    if not right:
        raise WrongAnswerError(what)


@dataclass
class Progress:
    """How many requests all clients have made. Thread-safe."""

    every: int = 0
    """After so many, ``at`` is called with their number; 0: never."""
    at: Callable[[int], None] = lambda _: None
    done: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def advance(self) -> None:
        """One more request was answered."""
        with self._guard:
            self.done += 1
            if self.every and self.done % self.every == 0:
                self.at(self.done)


@dataclass
class Caller:
    """Sends one client's requests, again if the server was busy, and counts the answers."""

    http: httpx.Client
    progress: Progress
    pause: Callable[[float], None]
    tally: Tally = field(default_factory=Counter)
    answered: int = 0
    """How many answers were more than a refusal."""

    def ask(
        self, method: str, route: str, expected: int, path: str | None = None, **sent: Any
    ) -> httpx.Response:
        """Return the answer, whose status is ``expected``; raises WrongAnswerError."""
        for _ in range(_RETRIES):
            answer = self.http.request(method, path or route, **sent)
            self.tally[route, method, answer.status_code] += 1
            self.progress.advance()
            if answer.status_code != 429:
                self.answered += 1
                break
            self.pause(float(answer.headers["retry-after"]))
        told = f"{method} {path or route}: {answer.status_code}, {answer.text[:300]}"
        check(answer.status_code == expected, f"{told}; expected {expected}")
        return answer

    def ask_of(
        self, method: str, kind: str, key: str, expected: int, **sent: Any
    ) -> httpx.Response:
        """Ask for an item's own resource."""
        return self.ask(method, f"/v1/{kind}/{{key}}", expected, item_url(kind, key), **sent)
