"""An index whose disk forgets what was not synced: ``python -m benchmarks.faults.unsynced``.

A writer runs under strace from an empty folder on. At moments all over the trace the disk is set
up as a power cut may leave it, once without anything that was not synced, and once with a random
part of it; the index there is opened and held against what had been acknowledged by then.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.faults.checking import survivors
from benchmarks.faults.disk import Disk
from benchmarks.faults.kill import REPOSITORY, WrongError
from benchmarks.faults.mix import Reading, State, applied, read_notes
from benchmarks.faults.trace import Call, traced
from indexer.files import digest_file
from indexer.manifest_file import read_manifest

# Nothing in these may wait to be synced once a write is acknowledged. (Upkeep writes to the
# catalog, too, so there it is by what a power cut leaves that a missing sync shows.)
_SYNCED = ("pools", "media")


@dataclass
class Figures:
    """What was seen: calls that change or sync files, acknowledgements, power cuts."""

    calls: int = 0
    syncs: int = 0
    acknowledged: int = 0
    cuts: int = 0
    items_checked: int = 0
    seconds: float = 0.0


def power_cuts(folder: Path, steps: int, lanes: int, cuts: int, seed: int) -> Figures:
    """Trace a writer in an empty ``folder`` and cut the power ``cuts`` times, twice each.

    Raises WrongError as soon as anything is wrong.
    """
    root, notes = folder / "disk", folder / "notes"
    root.mkdir()
    mix = ["-m", "benchmarks.faults.mix", str(root / "index"), str(notes), str(seed)]
    options = ["--lanes", str(lanes), "--steps", str(steps)]
    trace = traced([sys.executable, *mix, *options], folder / "trace", REPOSITORY)
    began, rng = time.monotonic(), random.Random(seed)
    figures = Figures(len(trace), sum(one.name in ("fsync", "fdatasync") for one in trace))
    disk, noted = Disk(root), list[bytes]()
    moments = _moments(trace, notes, cuts, rng)
    for number, (call, note) in enumerate(_with_notes(trace, notes)):
        if note is None:
            disk.apply(call)
        else:
            noted.append(note)
        reading = read_notes(noted)
        if note and b'"did"' in note and lanes == 1 and (left := _unsynced(disk)):
            raise WrongError(f"acknowledged at {number} without a sync of {left}")
        if number in moments and reading.made + len(reading.done) > 0:
            for name, chance in (("nothing", lambda: False), ("some", lambda: rng.random() < 0.5)):
                where = folder / f"cut-{number}-{name}"
                disk.restore(where, chance)
                _check(where / "index", reading, figures)
    figures.acknowledged = len(read_notes(noted).done)
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _moments(trace: Sequence[Call], notes: Path, cuts: int, rng: random.Random) -> set[int]:
    """Return places in the trace to cut the power at: half of them right after a note."""
    places = list(_with_notes(trace, notes))
    noted = [at for at, (_, note) in enumerate(places) if note]
    first = noted[0]
    some = rng.sample(noted, min(cuts // 2, len(noted)))
    return {*some, *rng.sample(range(first, len(places)), cuts - len(some))}


def _with_notes(trace: Sequence[Call], notes: Path) -> Iterator[tuple[Call, bytes | None]]:
    """Yield each call, and what it notes if it writes to the notes."""
    descriptor = None
    for call in trace:
        if call.name == "openat" and call.texts[0] == str(notes).encode():
            descriptor = str(call.result)
        noting = call.name == "write" and call.plain[0] == descriptor
        yield call, call.texts[0] if noting else None


def _unsynced(disk: Disk) -> list[str]:
    return [path for one in _SYNCED for path in disk.unsynced(f"index/{one}")]


def _check(index: Path, reading: Reading, figures: Figures) -> None:
    if torn := [*_torn(index)]:
        raise WrongError(f"{index}: its manifest came before these were synced: {torn}")
    state = State()
    for change in reading.done:
        state = applied(state, change)
    try:
        found, problems = survivors(index, state, [*reading.under_way.values()])
    except Exception as error:
        raise WrongError(f"{index} cannot be used: {error}") from error
    if problems:
        raise WrongError(f"{index}:\n" + "\n".join(problems))
    figures.cuts += 1
    figures.items_checked += len(found)


def _torn(index: Path) -> Iterator[str]:
    """Yield derived files that the manifest names and that are not what it says."""
    generation = read_manifest(index, read_only=True).generation
    files = [*generation.references.values()] if generation else []
    for some in generation.segments.values() if generation else ():
        files += some
    for file in files:
        path = index / file.path
        if not path.is_file() or digest_file(path) != file.sha256:
            yield file.path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = power_cuts(Path(folder), given.steps, given.lanes, given.cuts, given.seed)
        print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
