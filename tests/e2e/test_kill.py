"""A build killed at any moment, ten times, ends as one that was left in peace."""

import csv
import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from indexer.local import LocalStore
from service.fabrics import write_catalog
from service.verify import verify

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
KILLS, BATCH, LIMIT = 10, 8, 60
# Block 1 of efficientnet_lite0 has 32 channels, in float16.
FIRST_POOL, STRIDE = Path("pools", "1-gap.f16"), 32 * 2

Process = subprocess.Popen[bytes]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of a hundred fabrics with labels, and among them three that cannot be read."""
    labels = write_catalog(tmp_path / "fabrics", per_class=1, size=128)
    with labels.open(newline="") as file:
        rows = [(r["path"], labels.parent / r["path"], r["color"]) for r in csv.DictReader(file)]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    for at, name in ((0, "gone.jpg"), (33, "broken.jpg"), (70, "gone too.jpg")):
        rows.insert(at, (name, tmp_path / name, "none"))
    path = tmp_path / "items.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "path", "color"), *rows])
    return path


def start(source: Path, index: Path, threads: int) -> Process:
    """Start the command as a person does."""
    command = [
        sys.executable, "-c", "from api.main import main; main()",
        "build", str(source), "--index", str(index), "--backbone", "efficientnet_lite0",
        "--batch-size", str(BATCH), "--threads", str(threads),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def finish(process: Process) -> None:
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, errors.decode()


def ends_within(process: Process, seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    return process.poll() is not None


def kill_when(process: Process, reached: Callable[[], bool], later: float) -> bool:
    """Kill a build ``later`` seconds after ``reached`` holds; return False if it ended before."""
    while not reached():
        if ends_within(process, 0.002):
            break
    if ends_within(process, later):
        finish(process)
        return False
    process.kill()
    process.communicate(timeout=LIMIT)
    return True


def rows_written(index: Path) -> int:
    """How many rows the first pool has, whether committed or not."""
    pool = index / FIRST_POOL
    return pool.stat().st_size // STRIDE if pool.exists() else 0


def derived_files(index: Path) -> int:
    return len(list(index.glob("spaces/*/*/*")))


def phase(index: Path) -> str:
    """Where in its life the build that wrote ``index`` is."""
    if derived_files(index):
        return "checkpoint"
    return "embedding" if rows_written(index) else "reading"


def aim(rng: random.Random, index: Path, kill: int) -> tuple[Callable[[], bool], float]:
    """Return what to wait for, and how long after it to strike: kill 0, 1, 2, … of KILLS."""
    if kill < 2:
        return (lambda: True), rng.uniform(0.05, 1.5)
    if kill < 7:
        # The first pool grows before the others do, and all before the commit; so a kill right
        # then tears a batch.
        rows = rows_written(index) + rng.randrange(1, 2 * BATCH)
        return (lambda: rows_written(index) >= rows), rng.choice((0.0, rng.uniform(0, 0.2)))
    files = rng.randrange(1, 9)
    return (lambda: derived_files(index) >= files), rng.uniform(0, 0.01)


def facts(index: Path) -> dict[str, object]:
    """Everything an index holds but the moments it was made at."""
    store = LocalStore(index)
    items = [{**vars(item), "added": ""} for item in store.items()]
    found = {
        "items": items,
        "failures": store.failures(),
        "columns": store.columns(),
        "next slot": store.catalog.next_slot(),
        "manifest": json.loads((index / "manifest.json").read_text())
        | {"created": "", "identity": "", "sha256": ""},
        "files": {
            path.relative_to(index).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("pools", "spaces")
            for path in sorted((index / folder).rglob("*"))
            if path.is_file()
        },
        "problems": list(verify(index, pictures=True)),
    }
    store.close()
    return found


@pytest.mark.parametrize("seed", [0])
def test_a_build_killed_ten_times_equals_one_that_was_not(
    table: Path, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    finish(start(table, tmp_path / "whole", threads=2))
    expected = facts(tmp_path / "whole")
    assert expected["problems"] == []
    assert len(expected["items"]) == 100  # type: ignore[arg-type]
    assert len(expected["failures"]) == 3  # type: ignore[arg-type]

    killed: list[str] = []
    index = tmp_path / "killed-0"
    while len(killed) < KILLS:
        process = start(table, index, threads=rng.randrange(1, 5))
        if kill_when(process, *aim(rng, index, len(killed))):
            killed.append(phase(index))
        else:  # it was too quick for us: check what it made, and take up with another
            assert facts(index) == expected
            index = tmp_path / f"killed-{len(killed)}-{rng.random()}"
    finish(start(table, index, threads=1))

    assert set(Counter(killed)) == {"reading", "embedding", "checkpoint"}, killed
    assert facts(index) == expected
