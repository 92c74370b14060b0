"""One side of a comparison in a process of its own: `python -m benchmarks.side WHICH …`.

Prints one JSON object: pictures, the seconds from the first byte read to the index written, and
the peak of resident memory in MiB.
"""

import argparse
import json
import os
import time
from pathlib import Path


def plain(folder: Path, index: Path, weights: Path) -> int:
    """Run the plain loop over ``folder``; return how many pictures there were."""
    from benchmarks.plain_loop import PlainLoop

    loop = PlainLoop(weights)
    _start()
    paths = sorted(folder.glob("*.jpg"))
    loop.build(paths, workers=os.cpu_count() or 1)
    return len(paths)


def hueweave(folder: Path, index: Path, weights: Path, precision: str, blocks: str) -> int:
    """Run the build as the command does, on an index made beforehand and with a network that is
    loaded, as the plain loop's is; return how many pictures there were."""
    from indexer.build import build
    from indexer.local import open_for_writing
    from indexer.local_engine import LocalEngine
    from indexer.sources import open_source
    from models.compiled import compiled
    from service.building import make_index
    from service.opening import limits
    from service.settings import load_settings

    settings = load_settings(
        index=str(index),
        backbone="resnet50",
        weights=str(weights),
        precision=precision,
        blocks=blocks,
    )
    source = open_source(str(folder), index=index)
    extractor = compiled(make_index(index, settings, print, source=source))
    with open_for_writing(index) as store:
        engine = LocalEngine(store.manifest.recipe.preprocess, limits(settings))
        _start()
        return build(store, source, engine, lambda: extractor).items


_started = 0.0


def _start() -> None:
    global _started
    _started = time.perf_counter()


def main() -> None:
    """Read the command line and run one side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=["plain", "float32", "bfloat16", "int8", "auto"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--blocks", default="1-4")
    given = parser.parse_args()
    if given.which == "plain":
        pictures = plain(given.folder, given.index, given.weights)
    else:
        pictures = hueweave(given.folder, given.index, given.weights, given.which, given.blocks)
    seconds = time.perf_counter() - _started
    print(json.dumps({"pictures": pictures, "seconds": seconds, "peak_mib": _peak_mib()}))


def _peak_mib() -> float:
    # Not getrusage: its peak survives exec, and so would be that of the process that started us.
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
