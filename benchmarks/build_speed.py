"""The build: against the plain loop, and against what its parts cost one by one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.network_speed import extractors
from benchmarks.process import run_side
from benchmarks.report import Figure
from indexer.local_engine import prepare
from indexer.presets import get_preset
from indexer.sources import Entry
from indexer.staging import Work
from models.extraction import POOL_KINDS, PoolName
from models.images import DEFAULT_LIMITS, read_picture

ALL = tuple(PoolName(block, kind) for block in (1, 2, 3, 4) for kind in POOL_KINDS)
_SAMPLE = 64
# Times the plain loop, for both attributes and for color alone.
_TARGETS = {"float32": (1.2, 1.2), "bfloat16": (1.8, 1.8), "int8": (4.0, 6.0)}
_OF_BOUND = 0.9


def measure(few: Path, many: Path, weights: Path, repeats: int) -> Iterator[Figure]:
    """Yield, for each precision this processor computes in, the whole build against the plain loop,
    which takes the ``few`` pictures, and against the bound: two cores that do nothing but decode
    and run the network, at what each costs one core alone."""
    paths = sorted(many.glob("*.jpg"))[:_SAMPLE]
    decoding, networks = _costs(paths, weights)
    print(f"  one core: decoding {decoding * 1e3:.2f} ms a picture")
    plain: list[float] = []
    rates: dict[tuple[str, str], list[float]] = {
        (precision, blocks): []
        for precision in networks
        for blocks in (("1-4",) if precision == "float32" else ("1-4", "1-2"))
    }
    for _ in range(repeats):
        # In turn, so that a machine that slows down slows all of them.
        plain.append(run_side("plain", few, weights).rate)
        for (precision, blocks), found in rates.items():
            found.append(run_side(precision, many, weights, blocks).rate)
    print(f"  build, plain loop: {median(plain):.1f} pictures/s (median of {repeats})")
    for (precision, blocks), found in rates.items():
        what = {"1-4": "both attributes", "1-2": "color alone"}[blocks]
        network = networks[precision][blocks]
        bound = torch.get_num_threads() / (decoding + network)
        print(
            f"  build, {precision}, {what}: {median(found):.1f} pictures/s; network "
            f"{network * 1e3:.2f} ms of one core, bound {bound:.1f} pictures/s",
            flush=True,
        )
        pairs = zip(found, plain, strict=True)
        ratio = median(ours / theirs for ours, theirs in pairs)
        target = _TARGETS[precision][blocks == "1-2"]
        name = f"build, {precision}, {what}"
        yield Figure(f"{name} / plain loop, pictures per second", ratio, target, True)
        yield Figure(f"{name} / bound by its parts", median(found) / bound, _OF_BOUND, True)


def _costs(paths: list[Path], weights: Path) -> tuple[float, dict[str, dict[str, float]]]:
    """Return seconds of one core that a picture takes to decode, and to run through each network
    to block 4 and to block 2."""
    preprocess = get_preset("default").preprocess

    def decoded(path: Path) -> np.ndarray:
        data = read_picture(path, DEFAULT_LIMITS)
        return prepare(Work(Entry(path.name, path, {}), 0, 0), data, preprocess, DEFAULT_LIMITS)[1]

    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pixels = np.stack([decoded(path) for path in paths])
        decoding = _seconds(lambda: [decoded(path) for path in paths])
        networks = {
            precision: {
                blocks: _seconds(lambda e=extractor, p=pools: e.extract(pixels, p)) / len(paths)
                for blocks, pools in (("1-4", ALL), ("1-2", ALL[:4]))
            }
            for precision, extractor in extractors(weights, pixels).items()
        }
    finally:
        torch.set_num_threads(cores)
    return decoding / len(paths), networks


def _seconds(call: Callable[[], object]) -> float:
    """Return seconds of processor time, the median of five."""
    call()
    found = []
    for _ in range(5):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return median(found)
