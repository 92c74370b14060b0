"""Run every benchmark and print each ratio with its target: `python -m benchmarks`."""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    build_speed,
    composed,
    decoding_fuzz,
    filtered,
    memory,
    query_speed,
    search_memory,
    search_peers,
)
from benchmarks.material import make_pictures, make_weights
from benchmarks.report import Figure, write

PARTS = ("build", "query", "memory", "filtered", "composed", "decoding", "search")
LAST = Path(__file__).parent / "last.json"


def main() -> None:
    """Measure, print, write last.json; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--pictures", type=int, default=500, help="pictures a build (500)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (3)")
    parser.add_argument("--items", type=int, default=1_000_000, help="items searched (1,000,000)")
    parser.add_argument("--only", choices=PARTS, help="one of them")
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        pictures = make_pictures(scratch / "pictures", given.pictures)
        weights = make_weights(scratch / "resnet50.pth")
        if given.only in (None, "build"):
            figures += build_speed.measure(scratch / "pictures", weights, given.repeats)
        if given.only in (None, "query"):
            figures += query_speed.measure(scratch / "pictures", weights, scratch, given.repeats)
        if given.only in (None, "memory"):
            figures += memory.measure(pictures, weights, scratch)
        if given.only in (None, "filtered"):
            figures += filtered.measure(scratch, given.repeats)
            figures += filtered.measure_tuned(scratch)
        if given.only in (None, "composed"):
            for index_type in composed.INDEX_TYPES:
                figures += composed.measure(scratch, given.items, index_type)
        if given.only in (None, "decoding"):
            figures += decoding_fuzz.measure(20_000, 0, scratch / "damaged")
        if given.only in (None, "search"):
            figures += search_peers.measure(scratch, 100_000, 256, given.repeats)
            figures += search_memory.measure(scratch, 100_000)
    for figure in figures:
        print(figure)
    write(figures, LAST)
    sys.exit(not all(figure.passed for figure in figures))


if __name__ == "__main__":
    main()
