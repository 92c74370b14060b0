"""Search in a space against other engines, on the same vectors in one run.

`python -m benchmarks.search_peers --items 1000000 --dimension 256`; `pip install .[peers]` has the
others. Ours is asked as the service asks: a view of the index, a batch of queries, ids and
similarities, no metadata. Each engine looks as far as it must for the recall, and the rounds of all
take turns.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.peers import NAMES, Ids, K, Peer, installed
from benchmarks.report import Figure
from benchmarks.spectrum import GROUP, POOL, make_index, vectors
from indexer.engine import Batch, Embedded
from indexer.local import LocalStore
from indexer.local_view import LocalView
from indexer.planning import Profile
from indexer.sources import Entry
from indexer.staging import Work
from models.extraction import Vectors

_QUERIES, _UPDATES = 1000, 1000
_NEEDED: dict[Profile, float] = {"small": 0.97, "fast": 0.99}
# Of the best peer's queries a second.
_LEAST: dict[Profile, float] = {"small": 0.6, "fast": 1.0}
Answer = Callable[[], Ids]


@dataclass(frozen=True)
class Side:
    """One engine at one recall: how it answers all queries."""

    name: str
    needed: float
    answer: Answer
    asked: int = _QUERIES


def measure(
    scratch: Path, items: int, dimension: int, repeats: int, only: Sequence[str] = NAMES
) -> Iterator[Figure]:
    """Yield recall, queries a second beside the best peer's and bytes for each profile."""
    groups = items // GROUP
    queries = np.concatenate([*vectors(_QUERIES, dimension, 2, groups)])
    others = np.concatenate([*vectors(_UPDATES, dimension, 3, groups)])
    truth = _nearest(queries, items, dimension)
    stores: dict[Profile, LocalStore] = {}
    ours: dict[Profile, Side] = {}
    about = f"{items:,} x {dimension}"
    for profile, needed in _NEEDED.items():
        folder = scratch / f"{profile}-{dimension}"
        started = time.perf_counter()
        make_index(folder, items, dimension, "auto", profile, needed)
        built = time.perf_counter() - started
        stores[profile], loaded = _loaded(folder, queries)
        ours[profile] = Side(f"hueweave {profile}", needed, _ours(stores[profile].view(), queries))
        used, beside = _bytes(stores[profile], items)
        print(
            f"  {about}, hueweave {profile}: build {built:.0f} s, items too; load {loaded:.2f} s; "
            f"{used:.0f} bytes a vector, {beside:.0f} mapped; {_tuning(stores[profile])}"
        )
        share = 0.08 if dimension >= 128 else 0.12
        if profile == "small":
            least = share * 4 * dimension
            yield Figure(f"{about}: bytes a vector, small", used, least, False)
    peers = installed(scratch, dimension, only)
    sides = [*ours.values()]
    for peer in peers:
        sides += _prepared(peer, items, dimension, queries, truth, about)
    rates: dict[Side, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, seen in rates.items():
            started = time.perf_counter()
            side.answer()
            seen.append(side.asked / (time.perf_counter() - started))
    for side, seen in rates.items():
        recall = _recall(side.answer(), truth[: side.asked])
        print(
            f"  {about}, {side.name} for {side.needed}: recall {recall:.3f}, "
            f"{median(seen):,.0f} queries/s"
        )
    for profile, side in ours.items():
        recall = _recall(side.answer(), truth)
        yield Figure(f"{about}: recall, {profile}", recall, _NEEDED[profile], True)
        against = [one for one in sides if one not in ours.values() and one.needed == side.needed]
        if against:
            best = max(against, key=lambda one: median(rates[one]))
            ratio = median(a / b for a, b in zip(rates[side], rates[best], strict=True))
            name = f"{about}: queries/s, {profile} / {best.name}, recall {side.needed}"
            yield Figure(name, ratio, _LEAST[profile], True)
    for peer in peers:
        seconds = _timed(partial(peer.update, np.arange(_UPDATES), others))
        print(f"  {about}, {peer.name}: {_UPDATES / seconds:,.0f} updates/s")
    for profile, store in stores.items():
        seconds = _timed(partial(_update, store, others))
        print(f"  {about}, hueweave {profile}: {_UPDATES / seconds:,.0f} updates/s, durable")
        store.close()


def _prepared(
    peer: Peer, items: int, dimension: int, queries: Vectors, truth: Ids, about: str
) -> Iterator[Side]:
    """Build a peer, and yield it as it reaches each recall with the least effort."""
    built = _built(peer, items, dimension)
    size = peer.size()
    loaded = _timed(lambda: (peer.load(), peer.search(queries[:2], peer.efforts[0])))
    print(
        f"  {about}, {peer.name}: build {built:.0f} s; load {loaded:.2f} s; "
        f"{size / items:.0f} bytes a vector"
    )
    some, efforts = queries[: peer.asked], iter(peer.efforts)
    effort, recall = 0, 0.0
    for needed in sorted(_NEEDED.values()):
        while recall < needed and (further := next(efforts, None)):
            effort = further
            recall = _recall(peer.search(some, effort), truth[: peer.asked])
        if recall < needed:
            print(f"  {about}, {peer.name} does not reach {needed}: {recall:.3f}")
            return
        yield Side(peer.name, needed, partial(peer.search, some, effort), peer.asked)


def _built(peer: Peer, items: int, dimension: int) -> float:
    everything = np.concatenate([*vectors(items, dimension, 1, items // GROUP)])
    return _timed(lambda: peer.build(everything))


def _ours(view: LocalView, queries: Vectors) -> Answer:
    space = view.manifest.space_of_attribute("color")

    def answer() -> Ids:
        return np.stack([found.slots for found in view.search(space, queries, K)])

    return answer


def _loaded(folder: Path, queries: Vectors) -> tuple[LocalStore, float]:
    """Open an index; return it, and the seconds until its first answer."""
    started = time.perf_counter()
    store = LocalStore(folder)
    _ours(store.view(), queries[:1])()
    return store, time.perf_counter() - started


def _update(store: LocalStore, others: Vectors) -> None:
    work = [Work(Entry(f"{at:08}", Path(f"/nowhere/{at:08}.jpg")), 1, 1) for at in range(_UPDATES)]
    store.add(Batch([Embedded(one, "0" * 64, 1, ()) for one in work], [], {POOL: others}))
    store.view(newest=True)


def _bytes(store: LocalStore, items: int) -> tuple[float, float]:
    """Return the bytes a vector takes in memory, and in files that are mapped."""
    generation = store.manifest.generation
    assert generation is not None
    files = [file for some in generation.segments.values() for file in some]
    used = sum((store.folder / file.path).stat().st_size for file in files)
    mapped = [file.halves.path for file in files if file.halves]
    beside = sum((store.folder / path).stat().st_size for path in mapped)
    # Slots take eight bytes in the file and four in memory.
    return used / items - 4, beside / items


def _tuning(store: LocalStore) -> str:
    generation = store.manifest.generation
    assert generation is not None
    return str([file.tuning for some in generation.segments.values() for file in some])


def _nearest(queries: Vectors, items: int, dimension: int) -> Ids:
    """Return the (q, 10) true neighbours."""
    best, ids = np.full((len(queries), K), -np.inf, np.float32), np.zeros((len(queries), K), int)
    at = 0
    for some in vectors(items, dimension, 1, items // GROUP):
        found = queries @ some.T
        top = np.argpartition(-found, K, axis=1)[:, :K]
        values = np.concatenate([best, np.take_along_axis(found, top, 1)], axis=1)
        both = np.concatenate([ids, top + at], axis=1)
        order = np.argsort(-values, axis=1)[:, :K]
        best, ids = np.take_along_axis(values, order, 1), np.take_along_axis(both, order, 1)
        at += len(some)
    return ids


def _recall(found: Ids, truth: Ids) -> float:
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True)]
    return float(np.mean(shared)) / K


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_peers", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peers", nargs="*", choices=NAMES, default=NAMES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(Path(scratch), given.items, given.dimension, given.repeats, given.peers)
        for figure in figures:
            print(figure, flush=True)


if __name__ == "__main__":
    main()
