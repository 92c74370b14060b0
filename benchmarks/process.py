"""Running a side as a process of its own."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What a process measured of itself."""

    pictures: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


def run_side(which: str, folder: Path, weights: Path, blocks: str = "1-4") -> Run:
    """Run ``benchmarks.side`` on ``folder`` with a fresh index of ``blocks``."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "benchmarks.side", which, str(folder)]
        command += [str(Path(scratch) / "index"), str(weights), "--blocks", blocks]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))
