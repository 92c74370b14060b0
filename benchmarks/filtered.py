"""A filtered search against an unfiltered one, the network left out, on 100,000 items.

Of an exact index what it costs, of a tuned one what it finds, too.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.report import Figure
from benchmarks.spectrum import GROUP, vectors
from benchmarks.spectrum import make_index as make_tuned
from benchmarks.synthetic import make_index
from indexer.local import LocalStore
from models.images import Limits
from service.query import Query
from service.search import Searcher

_ITEMS = 100_000
_WIDTH, _RECALL = 64, 0.97
_FILTERS = {
    "1 %": {"column": "percent", "eq": 50},
    "10 %": {"column": "percent", "lt": 10},
    "50 %": {"column": "name", "lt": "name 50"},
}


class _NoNetwork:
    """An extractor that must not be asked: queries name items."""

    channels = (64, 64)

    def extract(self, *_: object) -> dict[object, object]:
        raise AssertionError("a key needs no network")

    local = extract


def measure(scratch: Path, repeats: int) -> Iterator[Figure]:
    """Yield for each selectivity the ratio of a search's time to that without a filter."""
    folder = scratch / "filtered"
    make_index(folder, _ITEMS, "Flat")
    store = LocalStore(folder)
    searcher = Searcher(store, _NoNetwork(), Limits())  # type: ignore[arg-type]
    keys = [f"{slot:08}" for slot in np.random.default_rng(2).choice(_ITEMS, 30 * repeats)]
    ratios: dict[str, list[float]] = {name: [] for name in _FILTERS}
    times: dict[str, list[float]] = {name: [] for name in ("none", *_FILTERS)}
    for key in keys:
        plain = _timed(searcher, key, {})
        times["none"].append(plain)
        for name, filter in _FILTERS.items():
            seconds = _timed(searcher, key, filter)
            times[name].append(seconds)
            ratios[name].append(seconds / plain)
    shown = ", ".join(f"{name} {median(some) * 1000:.1f} ms" for name, some in times.items())
    print(f"  filtered search: {shown}")
    store.close()
    for name, some in ratios.items():
        yield Figure(f"search filtered to {name} / unfiltered, time", median(some), 2.0, False)


def measure_tuned(scratch: Path) -> Iterator[Figure]:
    """Yield for each selectivity the recall of a tuned index, and print what a search costs."""
    folder = scratch / "filtered-tuned"
    make_tuned(folder, _ITEMS, _WIDTH, "auto", "small", _RECALL)
    store = LocalStore(folder)
    whole = store.view()
    space = whole.manifest.space_of_attribute("color")
    queries = np.concatenate([*vectors(1000, _WIDTH, 2, _ITEMS // GROUP)])
    everything = whole.vectors(space, whole.slots)
    for percent in (1, 10, 50, 100):
        mask = np.arange(whole.end) * 37 % 100 < percent
        view = replace(whole, selected=mask)
        truth = view.slots[np.argsort(-(queries @ everything[mask].T), axis=1)[:, :10]]
        started = time.perf_counter()
        found = [view.search(space, query[None], 10)[0].slots for query in queries]
        each = (time.perf_counter() - started) / len(queries)
        pairs = zip(found, truth, strict=True)
        recall = float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in pairs]))
        print(f"  tuned, {percent} % may be found: {each * 1000:.1f} ms a search")
        yield Figure(f"recall, tuned index filtered to {percent} %", recall, _RECALL, True)
    store.close()


def _timed(searcher: Searcher, key: str, filter: dict[str, object]) -> float:
    term = {"attribute": "color", "image": {"key": key}}
    query = Query.model_validate({"terms": [term], "filter": filter})
    started = time.perf_counter()
    searcher.answer(query, {})
    return time.perf_counter() - started
