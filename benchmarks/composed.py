"""Composed search against brute force: how much of the best is found, and what it costs.

`python -m benchmarks.composed --items 1000000 --index-type HNSW32`
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.report import Figure
from benchmarks.synthetic import make_index
from indexer.local import LocalStore
from indexer.spaces import similarities
from indexer.store import View
from service.composing import Part, rank_items
from service.query import Subject
from service.scores import Scale, combine

INDEX_TYPES = ("Flat", "IVF1024,Flat")
_QUERIES = 20
# Name, weights of color and texture, limit, least recall.
_CASES = (
    ("two terms, top 10", (1.0, 1.0), 10, 0.99),
    ("one pushes away, top 10", (1.0, -1.0), 10, 0.95),
    ("two terms, top 1,000", (1.0, 1.0), 1000, 0.95),
)


def measure(scratch: Path, items: int, index_type: str) -> Iterator[Figure]:
    """Yield the recall of each case, and print what it costs beside one term's search."""
    folder = scratch / f"composed-{index_type}"
    make_index(folder, items, index_type)
    store = LocalStore(folder)
    view = store.view()
    slots = np.random.default_rng(1).choice(items, 2 * _QUERIES, replace=False)
    single = median(
        _timed(view, _parts(view, pair, (1.0, 0.0))[:1], 10)[1] for pair in _pairs(slots)
    )
    for name, weights, limit, least in _CASES:
        recalls, times, exact, fixed = [], [], 0, []
        for pair in _pairs(slots):
            parts = _parts(view, pair, weights)
            ranking, seconds = _timed(view, parts, limit)
            truth = _brute_force(view, parts, limit)
            recalls.append(len(np.intersect1d(ranking, truth)) / limit)
            fixed.append(len(np.intersect1d(_fixed_candidates(view, parts), truth)) / limit)
            times.append(seconds)
            exact += rank_items(view, parts, limit).exact
        print(
            f"  {index_type}, {items:,} items, {name}: {median(times) * 1000:.0f} ms, "
            f"{median(times) / single:.1f} x one term ({single * 1000:.1f} ms), exact "
            f"{exact}/{_QUERIES}; 1,000 candidates a term would find {np.mean(fixed):.2f}"
        )
        yield Figure(f"{index_type}: recall, {name}", float(np.mean(recalls)), least, True)
    store.close()


def _pairs(slots: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(slots[::2].tolist(), slots[1::2].tolist(), strict=True))


def _parts(view: View, pair: tuple[int, int], weights: tuple[float, float]) -> list[Part]:
    parts = []
    for slot, weight, name in zip(pair, weights, ("color", "texture"), strict=True):
        space = view.manifest.space_of_attribute(name)
        vector = view.vectors(space, np.array([slot]))[0]
        parts.append(Part(Subject(attribute=name), space, vector, weight))
    return parts


def _timed(view: View, parts: list[Part], limit: int) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    slots = rank_items(view, parts, limit).slots
    return slots, time.perf_counter() - started


def _brute_force(view: View, parts: list[Part], limit: int) -> np.ndarray:
    """Return the best slots by looking at every item's stored pools."""
    tails = []
    for part in parts:
        sample = similarities(part.vector[None], view.reference(part.space), "cosine")[0]
        scale = Scale(sample, "cosine")
        found = [
            similarities(part.vector[None], view.vectors(part.space, run), "cosine")[0]
            for run in np.array_split(np.arange(view.end), max(1, view.end // 50_000))
        ]
        tails.append(scale.tails(np.concatenate(found)))
    return np.argsort(-combine(tails, [part.weight for part in parts]), kind="stable")[:limit]


def _fixed_candidates(view: View, parts: list[Part]) -> np.ndarray:
    """Return what a fixed thousand candidates of each attracting term would let be found."""
    found = [
        view.search(part.space, part.vector[None], 1000)[0].slots
        for part in parts
        if part.weight > 0
    ]
    return np.concatenate(found)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.composed", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--index-type", action="append")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for index_type in given.index_type or INDEX_TYPES:
            for figure in measure(Path(name), given.items, index_type):
                print(figure)


if __name__ == "__main__":
    main()
