"""Peak memory of a large build against a small one: it must not grow with the catalog."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.material import make_copies
from benchmarks.process import run_side
from benchmarks.report import Figure


def measure(pictures: list[Path], weights: Path, scratch: Path) -> Iterator[Figure]:
    """Yield by how many MiB a build of 5,000 pictures peaks above one of 500."""
    peaks = {}
    for count in (500, 5000):
        folder = scratch / f"copies-{count}"
        make_copies(folder, pictures, count)
        peaks[count] = run_side("auto", folder, weights).peak_mib
        print(f"  build of {count} pictures: peak {peaks[count]:.0f} MiB")
    growth = peaks[5000] - peaks[500]
    yield Figure("peak memory, 5,000-picture build minus 500, MiB", growth, 300, False)
