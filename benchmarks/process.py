"""Running a side as a process, with its peak memory."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What a process measured itself, and the peak of its resident memory in MiB."""

    pictures: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


def run_side(which: str, folder: Path, weights: Path) -> Run:
    """Run ``benchmarks.side`` on ``folder`` with a fresh index."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile("w+") as out:
        command = [sys.executable, "-m", "benchmarks.side", which, str(folder)]
        command += [str(Path(scratch) / "index"), str(weights)]
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with status {status}")
        out.seek(0)
        measured = json.loads(out.read().splitlines()[-1])
    return Run(measured["pictures"], measured["seconds"], usage.ru_maxrss / 1024)
