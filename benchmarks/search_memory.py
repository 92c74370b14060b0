"""Memory that a searchable index takes above an empty one: color of 48 numbers, texture of 64.

`python -m benchmarks.search_memory --items 1000000`
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.report import Figure
from benchmarks.spectrum import make_index, vectors
from indexer.local import LocalStore
from indexer.planning import RECALLS

_WIDTHS = {"color": 48, "texture": 64}
# MiB for a million items.
_MOST = 300.0


def measure(scratch: Path, items: int) -> Iterator[Figure]:
    """Yield the anonymous memory of a million items, in MiB, of the default profile; print it for
    each profile and for exact search."""
    empty = scratch / "empty"
    make_index(empty, 0, _WIDTHS["color"], "auto", "small", 0.97, _WIDTHS["texture"])
    least = _anonymous(empty)
    for name, index_type, profile in (
        ("small", "auto", "small"),
        ("fast", "auto", "fast"),
        ("Flat", "Flat", "small"),
    ):
        folder = scratch / f"memory-{name}"
        recall = RECALLS[profile]  # type: ignore[index]
        make_index(folder, items, _WIDTHS["color"], index_type, profile, recall, _WIDTHS["texture"])  # type: ignore[arg-type]
        used = (_anonymous(folder) - least) * 1_000_000 / items
        print(f"  {items:,} items, {name}: {used:.0f} MiB of anonymous memory a million items")
        if name == "small":
            title = f"anonymous memory a million items, of {items:,}, both attributes, MiB"
            yield Figure(title, used, _MOST, False)


def _anonymous(folder: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.search_memory", "--open", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def _opened(folder: Path) -> float:
    """Search an index in both attributes; return the MiB of anonymous memory it takes."""
    store = LocalStore(folder)
    view = store.view()
    if view.count:
        for name, width in _WIDTHS.items():
            queries = np.concatenate([*vectors(200, width, 2, 10)])
            view.search(view.manifest.space_of_attribute(name), queries, 10)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_memory", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--open", type=Path, help="only open this index and print what it takes")
    given = parser.parse_args()
    if given.open:
        print(_opened(given.open))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for figure in measure(Path(scratch), given.items):
            print(figure)


if __name__ == "__main__":
    main()
