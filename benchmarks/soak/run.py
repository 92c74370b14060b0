"""One soak: the servers, the clients, and what came of it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from benchmarks.soak.broken import ROUTES, Broken
from benchmarks.soak.calls import Caller, Progress, Tally
from benchmarks.soak.catalog import Part
from benchmarks.soak.following import Follower
from benchmarks.soak.metrics import read_metrics
from benchmarks.soak.processes import FAKE, Served, serving
from benchmarks.soak.steps import Steps

_SECONDS = 60
_FAULTS = {500, 507}
"""Statuses that no client gets, and no broken connection; 503 is given until all is loaded."""


@dataclass(frozen=True)
class Plan:
    """What a soak is: clients make ``requests`` together, those not counted that are refused.

    Shares of steps: after ``broken`` a client breaks another connection, and ``followed`` of its
    writes it looks for in a second server. ``pause`` waits before a request is sent again that was
    refused. Memory is read after ``every`` requests.
    """

    requests: int
    clients: int = 16
    seed: int = 0
    broken: float = 0.05
    followed: float = 0.05
    program: tuple[str, ...] = FAKE
    flags: tuple[str, ...] = ("--log-level", "warning")
    every: int = 100
    pause: Callable[[float], None] = time.sleep


@dataclass
class Outcome:
    """What came of a soak.

    ``memory`` has requests and MiB of both servers; ``waits`` seconds until the second server had
    what was written through the first; ``miscounted`` what /metrics said and what was true.
    """

    wrong: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Counter)
    memory: list[tuple[int, float, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    miscounted: dict[Any, Any] = field(default_factory=dict)
    items: int = 0
    generation: int = 0
    seconds: float = 0.0

    def count(self, *statuses: int) -> int:
        """How many answers had one of these statuses."""
        return sum(n for (_, _, status), n in self.tally.items() if status in statuses)

    @property
    def failures(self) -> int:
        """How many answers were 5xx."""
        return self.count(*range(500, 600))


def soak(index: Path, plan: Plan) -> Outcome:
    """Serve an empty index and let clients at it; what they find wrong is in the outcome."""
    outcome = Outcome()
    with (
        serving(plan.program, index, *plan.flags) as server,
        serving(plan.program, index, "--read-only", *plan.flags) as reader,
    ):
        started = time.perf_counter()
        parts = _run(server, reader, plan, outcome)
        outcome.seconds = time.perf_counter() - started
        outcome.items = sum(len(part.items) for part in parts)
        _compare(server, outcome)
    return outcome


def _run(server: Served, reader: Served, plan: Plan, outcome: Outcome) -> list[Part]:
    def sample(done: int) -> None:
        outcome.memory.append((done, server.rss_mib, reader.rss_mib))

    def client(part: Part) -> None:
        random = Random(part.owner)
        with (
            httpx.Client(base_url=server.address, timeout=_SECONDS) as http,
            httpx.Client(base_url=reader.address, timeout=_SECONDS) as other,
            closing(Broken(server.address, random)) as broken,
        ):
            caller = Caller(http, progress, plan.pause)
            follower = Follower(part, Caller(other, Progress(), plan.pause), plan.followed, random)
            steps = Steps(part, caller, follower.look)
            try:
                while caller.answered < plan.requests / plan.clients:
                    steps.take()
                    if random.random() < plan.broken:
                        broken.break_one()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                outcome.wrong.append(f"{part.owner}: {type(error).__name__}: {error}")
        with guard:
            outcome.tally.update(caller.tally)
            outcome.broken.update(broken.done)
            outcome.waits += follower.waits

    progress, guard = Progress(plan.every, sample), threading.Lock()
    parts = [
        Part(f"client-{number:02}", Random(f"{plan.seed} {number}"))
        for number in range(plan.clients)
    ]
    with ThreadPoolExecutor(plan.clients) as threads:
        list(threads.map(client, parts))
    return parts


def _compare(server: Served, outcome: Outcome) -> None:
    """Hold what /metrics says against what the clients counted."""
    counted, gauges = read_metrics(server.address)
    outcome.generation = int(gauges["hueweave_generation"])
    if gauges["hueweave_items"] != outcome.items:
        outcome.miscounted["items"] = gauges["hueweave_items"], outcome.items
    more: Counter[tuple[str, str]] = Counter()
    for name, place in ROUTES.items():
        more[place] += outcome.broken[name]
    for key in outcome.tally.keys() | counted.keys():
        (route, method, status), true = key, outcome.tally[key]
        of_clients = (route, method) in {(one, other) for one, other, _ in outcome.tally}
        over = counted.get(key, 0) - true
        if (of_clients and not 0 <= over <= more[method, route]) or (status in _FAULTS and over):
            outcome.miscounted[key] = counted.get(key, 0), true
