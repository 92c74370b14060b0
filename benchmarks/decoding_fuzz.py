"""Decode many damaged pictures in processes that may crash: `python -m benchmarks.decoding_fuzz`.

Every case stands in a file before it is decoded, so that a crash or a hang leaves it behind. Wrong
answers, memory past the bound and time past the limit are kept too; the exit status is 1 for any.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.mutations import LIMITS, damaged, decodes
from benchmarks.report import Figure
from models.images import FORMATS

CHUNK = 1_000
BOUND_MIB = 16 * LIMITS.max_pixels / 2**20 + 48
"""What one picture may add to the memory of its process: 16 bytes a pixel, and 48 MiB."""
ADDRESSES = 4 << 30
MOST_SECONDS, HANG_SECONDS = 10.0, 60.0


@dataclass
class Seen:
    """What one process saw."""

    cases: int = 0
    decoded: int = 0
    refused: int = 0
    worst_seconds: float = 0.0
    peak_mib: float = 0.0
    wrong: int = 0
    crashed: int = 0
    hung: int = 0

    def add(self, other: "Seen") -> None:
        """Join what another process saw."""
        for name, value in asdict(other).items():
            mine = getattr(self, name)
            setattr(self, name, mine + value if isinstance(value, int) else max(mine, value))


def main() -> None:
    """Run every format's share, print what was seen, exit 1 for anything wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding_fuzz")
    parser.add_argument("--cases", type=int, default=20_000, help="over all formats (20,000)")
    parser.add_argument("--only", choices=FORMATS, help="one format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the cases that went wrong")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given_ = parser.parse_args()
    if given_.worker:
        kind, number, cases, folder = given_.worker
        print(json.dumps(asdict(work(kind, int(number), int(cases), Path(folder)))))
        return
    keep = given_.keep or Path(tempfile.mkdtemp(prefix="decoding-fuzz-"))
    figures = measure(given_.cases, given_.seed, keep, [given_.only] if given_.only else FORMATS)
    for figure in figures:
        print(figure)
    sys.exit(not all(figure.passed for figure in figures))


def measure(
    cases: int, first_seed: int, keep: Path, kinds: list[str] | tuple[str, ...] = FORMATS
) -> list[Figure]:
    """Return the figures of ``cases`` damaged pictures, spread over ``kinds``."""
    keep.mkdir(parents=True, exist_ok=True)
    total = Seen()
    for kind in kinds:
        left, seen, number = -(-cases // len(kinds)), Seen(), first_seed * 1000
        while left > 0:
            seen.add(_watch(kind, number, min(left, CHUNK), keep))
            left, number = left - CHUNK, number + 1
        print(f"  {kind:5}", ", ".join(f"{name} {value:g}" for name, value in asdict(seen).items()))
        total.add(seen)
    print("  all  ", ", ".join(f"{name} {value:g}" for name, value in asdict(total).items()))
    if total.wrong or total.crashed or total.hung:
        print(f"  kept in {keep}")
    return [
        Figure("damaged pictures decoded or refused", total.decoded + total.refused, cases, True),
        Figure("damaged pictures: crashes, hangs, other errors",
               total.crashed + total.hung + total.wrong, 0, False),
        Figure("damaged pictures: slowest, seconds", total.worst_seconds, MOST_SECONDS, False),
        Figure("damaged pictures: most memory, MiB", total.peak_mib, BOUND_MIB, False),
    ]  # fmt: skip


def _watch(kind: str, number: int, cases: int, keep: Path) -> Seen:
    """Run one worker; a crash or a hang costs what is left of its cases."""
    with tempfile.TemporaryDirectory() as name:
        current = Path(name) / "current"
        command = [sys.executable, "-m", "benchmarks.decoding_fuzz", "--worker"]
        command += [kind, str(number), str(cases), name]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        hung = False
        while process.poll() is None:
            if current.exists() and time.time() - current.stat().st_mtime > HANG_SECONDS:
                hung = True
                process.kill()
            time.sleep(0.05)
        assert process.stdout is not None
        output = process.stdout.read()
        process.stdout.close()
        for wrong in Path(name).glob("wrong-*"):
            (keep / f"{kind}-{number}-{wrong.name}").write_bytes(wrong.read_bytes())
        if process.returncode == 0:
            return Seen(**json.loads(output.splitlines()[-1]))
        if current.exists():
            (keep / f"{kind}-{number}-{'hang' if hung else 'crash'}").write_bytes(
                current.read_bytes()
            )
        return Seen(cases=cases, crashed=not hung, hung=hung)


def work(kind: str, number: int, cases: int, folder: Path) -> Seen:
    """Decode ``cases`` damaged pictures of one format; those that go wrong stay in ``folder``."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seen, current = Seen(), folder / "current"
    names: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=damaged(kind), at_least=st.sampled_from((None, 8)))
    def run(data: bytes, at_least: int | None) -> None:
        current.write_bytes(data)
        _forget_peak()
        what = ""
        before, started = _peak_mib(), time.perf_counter()
        try:
            good: bool | None = decodes(data, at_least)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            good, what = None, type(error).__name__
        seconds, added = time.perf_counter() - started, _peak_mib() - before
        seen.cases += 1
        seen.decoded += good is True
        seen.refused += good is False
        seen.wrong += good is None
        seen.worst_seconds = max(seen.worst_seconds, seconds)
        seen.peak_mib = max(seen.peak_mib, added)
        if good is None or seconds > MOST_SECONDS or added > BOUND_MIB:
            name = what if good is None else f"{seconds:.1f}s-{added:.0f}MiB"
            names[name] += 1
            (folder / f"wrong-{name}-{names[name]}").write_bytes(data)

    run()
    return seen


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
