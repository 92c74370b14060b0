"""An index whose writer is killed again and again: ``python -m benchmarks.faults.kill``."""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.faults.checking import survivors
from benchmarks.faults.mix import Reading, State, applied, new_index, read_notes
from indexer.manifest_file import read_manifest

REPOSITORY = Path(__file__).parents[2]
_LIMIT_S = 60.0


@dataclass
class Figures:
    """What was seen: how often the writer was killed, and at what; what was checked, and lost."""

    kills: int = 0
    acknowledged: int = 0
    items_checked: int = 0
    under_way: int = 0
    taken: int = 0  # of the writes under way those that are there all the same
    generations: int = 0
    while_making: int = 0
    seconds: float = 0.0


class WrongError(Exception):
    """An index that did not survive."""


def killed(index: Path, kills: int, seed: int) -> Iterator[Figures]:
    """Kill ``kills`` writers of an index, one after the other, and check it after each; yield
    what was seen so far. Raises WrongError as soon as anything is wrong."""
    rng, figures, state = random.Random(seed), Figures(), State()
    began = time.monotonic()
    for number in range(kills):
        notes = index.with_name(f"notes-{number}")
        run_and_kill(index, notes, rng, number)
        reading = read_notes(notes.read_bytes().splitlines() if notes.exists() else [])
        making = is_making(index)
        for change in reading.done:
            state = applied(state, change)
        found, problems = survivors(index, state, [*reading.under_way.values()])
        if problems:
            raise WrongError(f"after kill {number}:\n" + "\n".join(problems))
        count(figures, reading, state, found)
        figures.while_making += making
        figures.generations = generation_of(index)
        figures.seconds = round(time.monotonic() - began, 1)
        state = found
        notes.unlink(missing_ok=True)
        yield figures


def count(figures: Figures, reading: Reading, state: State, found: State) -> None:
    """Add one kill to what was seen."""
    figures.kills += 1
    figures.acknowledged += len(reading.done)
    figures.items_checked += len(found)
    figures.under_way += len(reading.under_way)
    figures.taken += sum(
        any(state.get(key) != found.get(key) for key in change)
        for change in reading.under_way.values()
    )


def run_and_kill(index: Path, notes: Path, rng: random.Random, number: int) -> None:
    """Start a writer and kill it at a moment that ``rng`` picks."""
    command = [sys.executable, "-m", "benchmarks.faults.mix", str(index), str(notes), str(number)]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if rng.random() < 0.15:  # while it starts, and brings in order what the last one left
        _ended(process, rng.uniform(0.2, 0.8))
    else:
        size, deadline = rng.randrange(1, 30_000), time.monotonic() + _LIMIT_S
        while not (notes.exists() and notes.stat().st_size >= size):
            if _ended(process, 0.002) or time.monotonic() > deadline:
                break
        _ended(process, rng.choice((0.0, rng.uniform(0.0, 0.02))))
    alive = process.poll() is None
    process.kill()
    _, errors = process.communicate(timeout=_LIMIT_S)
    if not alive or b"Traceback" in errors:
        raise WrongError(f"the writer failed by itself:\n{errors.decode()}")


def is_making(index: Path) -> bool:
    """Return whether a generation lies there that the manifest does not name."""
    names = {path.name for path in index.glob("spaces/*/*")}
    return bool(names - {str(generation_of(index))})


def generation_of(index: Path) -> int:
    """Return the number of the generation there is, 0 for none."""
    generation = read_manifest(index, read_only=True).generation
    return generation.number if generation else 0


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    return process.poll() is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for figures in killed(new_index(Path(folder, "index")), given.kills, given.seed):
            print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
