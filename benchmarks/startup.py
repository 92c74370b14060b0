"""From a shell to the first answer, each part accounted for: `python -m benchmarks.startup`."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.material import make_pictures, make_weights
from benchmarks.report import Figure
from benchmarks.served import make_served
from service.settings import load_settings

ITEMS = 20_000
_REPEATS, _PICTURES = 5, 20
# What `hueweave query` does, one part after the other, each timed.
_PARTS = """
import sys, time
at = time.perf_counter()
def part(name):
    global at
    now = time.perf_counter(); print(f"{name}\\t{now - at}"); at = now
index, weights, picture = sys.argv[1:]
import api.main
part("our commands")
import torch
part("torch")
import models.loading, service.opening
part("the rest that is imported")
from pathlib import Path
from indexer.local import LocalStore
from indexer.manifest_file import read_manifest
from service.opening import Opener, pinned_extractor
from service.query import Query
from service.settings import load_settings
settings = load_settings(index=index, weights=weights)
LocalStore(Path(index)).close()
part("index")
opener, manifest = Opener(settings), read_manifest(Path(index))
network = pinned_extractor(manifest, settings)
part("weights")
opener.adopt(manifest, network)
opened = opener(Path(index))
part("segments and their digests")
query = Query.model_validate({"terms": [{"attribute": "color", "image": {"part": "a"}}]})
opened.searcher.answer(query, {"a": Path(picture).read_bytes()})
part("first answer")
opened.close()
"""


def measure(scratch: Path, weights: Path, items: int) -> Iterator[Figure]:
    """Yield what `--help` takes; print what a first answer does, all on a warm disk."""
    folder = scratch / "started"
    pictures = make_pictures(scratch / "start", _PICTURES, 256)
    settings = load_settings(index=str(folder), weights=str(weights), blocks="1,2,4")
    make_served(folder, settings, pictures, items)
    entry = [sys.executable, "-c", "from api.main import main; main()"]
    query = [*entry, "query", str(pictures[0]), "--index", str(folder)]
    query += ["--weights", str(weights), "--attribute", "color"]
    parts = [sys.executable, "-c", _PARTS, str(folder), str(weights), str(pictures[0])]
    runs = [_timed(query) for _ in range(_REPEATS)]
    print(f"  hueweave query, {items:,} items: {median(runs):.2f} s to its answers, of which")
    seen: dict[str, list[float]] = {}
    for _ in range(_REPEATS):
        told = subprocess.run(parts, check=True, capture_output=True, text=True).stdout
        for line in told.splitlines():
            name, took = line.split("\t")
            seen.setdefault(name, []).append(float(took))
    for name, times in seen.items():
        print(f"    {name}: {median(times):.2f} s")
    helps = [_timed([*entry, "--help"]) for _ in range(2 * _REPEATS)]
    yield Figure("hueweave --help, seconds", median(helps), 0.3, at_least=False)


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--weights", type=Path, help="weights of a ResNet-50 (random ones)")
    parser.add_argument("--items", type=int, default=ITEMS, help="items of the index (20,000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        weights = given.weights or make_weights(scratch / "resnet50.pth")
        figures = list(measure(scratch, weights, given.items))
    for figure in figures:
        print(figure)
    raise SystemExit(not all(figure.passed for figure in figures))


if __name__ == "__main__":
    main()
