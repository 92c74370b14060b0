"""The build against the plain loop: pictures a second, side by side."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.process import run_side
from benchmarks.report import Figure
from models.precision import choose_device, choose_precision


def measure(pictures: Path, weights: Path, repeats: int) -> Iterator[Figure]:
    """Yield the ratio of each precision this processor computes in to the plain loop."""
    native = choose_precision("auto", choose_device("cpu")) == "bfloat16"
    sides = ["plain", "float32", *(["bfloat16"] if native else [])]
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        # In turn, so that a machine that slows down slows all of them.
        for side in sides:
            rates[side].append(run_side(side, pictures, weights).rate)
    for side in sides:
        print(f"  build, {side}: {median(rates[side]):.1f} pictures/s (median of {repeats})")
    for side, target in (("float32", 1.2), ("bfloat16", 1.8)):
        if side in rates:
            pairs = zip(rates[side], rates["plain"], strict=True)
            ratio = median(ours / theirs for ours, theirs in pairs)
            yield Figure(f"build, {side} / plain loop, pictures per second", ratio, target, True)
