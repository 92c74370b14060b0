"""Run the benchmarks and print each figure with its target: `python -m benchmarks`.

The short form takes less than twenty minutes on two cores; `--full` measures at a million items,
too, and longer.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks import (
    build_speed,
    composed,
    decoding_fuzz,
    filtered,
    memory,
    network_speed,
    precision,
    query_speed,
    search_memory,
    search_peers,
    serving,
    startup,
)
from benchmarks.material import LARGE, make_copies, make_pictures, make_weights
from benchmarks.report import Figure, write

LAST = Path(__file__).parent / "last.json"
_SMALL, _RENDERED, _COPIES = 200, 40, 1200
_MILLION = 1_000_000


@dataclass(frozen=True)
class Bench:
    """What the parts run on, made when the first of them asks for it."""

    scratch: Path
    repeats: int
    full: bool

    @cached_property
    def weights(self) -> Path:
        """A resnet50: speed does not ask what it has learned."""
        return make_weights(self.scratch / "resnet50.pth")

    @cached_property
    def pictures(self) -> list[Path]:
        """JPEGs of half a megapixel."""
        return make_pictures(self.scratch / "pictures", _SMALL)

    @cached_property
    def large(self) -> Path:
        """A folder of JPEGs of two megapixels."""
        make_pictures(self.scratch / "large", _RENDERED, LARGE)
        return self.scratch / "large"

    @cached_property
    def many(self) -> Path:
        """A folder that has those of ``large`` over and over."""
        folder = self.scratch / "many"
        make_copies(folder, sorted(self.large.glob("*.jpg")), _COPIES)
        return folder


def _network(bench: Bench) -> Iterable[Figure]:
    return network_speed.measure(bench.weights, bench.repeats)


def _build(bench: Bench) -> Iterable[Figure]:
    return build_speed.measure(bench.large, bench.many, bench.weights, bench.repeats)


def _query(bench: Bench) -> Iterable[Figure]:
    folder = bench.pictures[0].parent
    return query_speed.measure(folder, bench.weights, bench.scratch, bench.repeats)


def _startup(bench: Bench) -> Iterable[Figure]:
    return startup.measure(bench.scratch, bench.weights, startup.ITEMS)


def _precision(bench: Bench) -> Iterable[Figure]:
    return precision.measure(bench.scratch, every=bench.full)


def _search(bench: Bench) -> Iterator[Figure]:
    sizes = [(100_000, 256)]
    if bench.full:
        sizes += [(100_000, 1024), (_MILLION, 256), (_MILLION, 1024)]
    for items, dimension in sizes:
        yield from search_peers.measure(bench.scratch, items, dimension, bench.repeats)


def _filtered(bench: Bench) -> Iterable[Figure]:
    return filtered.measure(bench.scratch, bench.repeats)


def _composed(bench: Bench) -> Iterator[Figure]:
    for index_type in composed.INDEX_TYPES:
        yield from composed.measure(bench.scratch, _MILLION if bench.full else 100_000, index_type)


def _memory(bench: Bench) -> Iterator[Figure]:
    yield from memory.measure(bench.pictures, bench.weights, bench.scratch)
    yield from search_memory.measure(bench.scratch, _MILLION if bench.full else 100_000)


def _decoding(bench: Bench) -> Iterable[Figure]:
    cases = 20_000 if bench.full else 2_000
    return decoding_fuzz.measure(cases, 0, bench.scratch / "damaged")


def _serving(bench: Bench) -> Iterator[Figure]:
    if bench.full:
        for items in (serving.ITEMS, _MILLION):
            yield from serving.measure(bench.scratch, bench.weights, items)
    else:
        yield from serving.measure(bench.scratch, bench.weights, serving.ITEMS, seconds=4)


PARTS: dict[str, Callable[[Bench], Iterable[Figure]]] = {
    "network": _network,
    "build": _build,
    "query": _query,
    "startup": _startup,
    "precision": _precision,
    "search": _search,
    "filtered": _filtered,
    "composed": _composed,
    "memory": _memory,
    "decoding": _decoding,
    "serving": _serving,
}


def main() -> None:
    """Measure, print, write last.json; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (3)")
    parser.add_argument("--full", action="store_true", help="the long form")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=[*PARTS], help="some of them")
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.repeats, given.full)
        for part in given.only:
            started = time.perf_counter()
            for figure in PARTS[part](bench):
                figures.append(figure)
                print(figure, flush=True)
            print(f"  {part} took {time.perf_counter() - started:.0f} s", flush=True)
            write(figures, LAST)  # whatever comes after
    missed = [figure for figure in figures if not figure.passed]
    print(f"{len(figures) - len(missed)} of {len(figures)} figures meet their targets")
    for figure in missed:
        print(figure)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
