"""A disk that runs full under an index: ``python -m benchmarks.faults.full``.

It is a small tmpfs of its own, mounted in a namespace that ends with the process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.faults.checking import survivors
from benchmarks.faults.kill import REPOSITORY, WrongError
from benchmarks.faults.mix import Lane, Notes, State, held, new_index, read_notes
from indexer.errors import DiskFullError
from indexer.local import LocalStore

# What is to be given back later lies there from the beginning.
_SIZE, _BALLAST, _STEP = 6 * 2**20, 2 * 2**20, 4096
# A namespace in which one's own user may mount.
NAMESPACE = ("unshare", "--map-root-user", "--mount")


@dataclass
class Figures:
    """What was seen: items stored before the disk was full, and writes it refused since; room on
    the disk that the first removal needed to succeed again."""

    stored: int = 0
    refused: int = 0
    room_to_remove: int = 0
    stored_since: int = 0
    seconds: float = 0.0


def possible() -> bool:
    """Return whether this machine lets one mount a disk of one's own."""
    with suppress(FileNotFoundError):
        return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
    return False


def run(folder: Path) -> Figures:
    """Let a disk at ``folder`` run full, in another process; raises WrongError."""
    command = [*NAMESPACE, sys.executable, "-m", "benchmarks.faults.full", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise WrongError(done.stdout + done.stderr)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def fill(disk: Path, notes: Path) -> Figures:
    """Let the disk run full, and see what still can be done with an index there."""
    began, figures, ballast = time.monotonic(), Figures(), disk / "ballast"
    index = new_index(disk / "index")
    store = LocalStore(index)
    lane = Lane(store, Notes(notes), 0, seed=0)
    ballast.write_bytes(bytes(_BALLAST))
    lane.add(["0/first"])
    store.checkpoint()
    store.view()
    while not _refused(lambda: lane.add([f"0/{store.count()}"], size=20_000)):
        pass
    figures.stored = store.count()
    _fill_up(ballast)
    before, manifest = held(store), (index / "manifest.json").read_bytes()
    figures.refused = sum(
        _refused(write)
        for write in (
            lambda: lane.add(["0/more"]),
            lambda: lane.remove(["0/first"]),
            lambda: lane.relabel(["0/first"]),
            store.checkpoint,
            store.rebuild,
        )
    )
    _check(index, before)  # opened by another reader, searched, and verified, on the full disk
    if (index / "manifest.json").read_bytes() != manifest:
        raise WrongError("a generation was made on a full disk")
    while _refused(lambda: lane.remove(["0/first"])):
        figures.room_to_remove += _STEP
        os.truncate(ballast, max(ballast.stat().st_size - _STEP, 0))
    ballast.unlink()
    for number in range(20):
        lane.add([f"0/again {number}"])
        figures.stored_since += 1
    store.checkpoint()
    _check(index, held(store))
    done = len(read_notes(notes.read_bytes().splitlines()).done)
    lost = sorted(set(before) - {"0/first"} - set(held(store)))
    if lost or done != figures.stored + 1 + figures.stored_since:
        raise WrongError(f"{figures}: {done} acknowledged, lost {lost}")
    store.close()
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except DiskFullError:
        return True
    return False


def _fill_up(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(_STEP))


def _check(index: Path, expected: State) -> None:
    _, problems = survivors(index, expected, ())
    if problems:
        raise WrongError("\n".join(problems))


def main() -> None:
    if len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(asdict(run(Path(folder)))))
        return
    folder = Path(sys.argv[1])
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "none", disk], check=True)
    print(json.dumps(asdict(fill(disk, folder / "notes"))))


if __name__ == "__main__":
    main()
