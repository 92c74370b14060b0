"""Many clients on one index, each answer held against what they know: `python -m benchmarks.soak`.

A server and a second, read-only one, in processes of their own; clients that search, put, patch,
delete and reload, and break connections. The network is one that is none, or with ``--real`` the
packaged efficientnet_lite0. The exit status is 1 for any wrong answer.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from api.main import run
from benchmarks.report import Figure
from benchmarks.soak.processes import FAKE, REAL
from benchmarks.soak.run import Outcome, Plan, soak
from indexer.creation import create_index
from tests.fakes import manifest

_MOST_WAIT_S, _MOST_SLOPE_MIB = 1.0, 0.5


def main() -> None:
    """Run what is asked for, print what was seen, exit 1 for anything wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--requests", type=int, default=20_000, help="of all clients (20,000)")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--queue", type=int, default=10, help="max_queue of the servers (10)")
    parser.add_argument("--real", action="store_true", help="with the packaged network")
    given = parser.parse_args()
    plan = Plan(
        given.requests,
        given.clients,
        given.seed,
        program=REAL if given.real else FAKE,
        flags=("--log-level", "warning", "--max-queue", str(given.queue)),
    )
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        if given.real:
            run(["init", "--index", str(index), "--backbone", "efficientnet_lite0"])
        else:
            create_index(index, manifest())
        outcome = soak(index, plan)
        clean = run(["verify", "--index", str(index), "--pictures"]) == 0
    figures = [
        Figure("soak: requests", outcome.tally.total(), given.requests, True),
        *show(outcome),
        Figure("soak: verify afterwards, exit status", not clean, 0, False),
    ]
    for figure in figures:
        print(figure)
    sys.exit(not all(figure.passed for figure in figures))


def show(outcome: Outcome) -> list[Figure]:
    """Print what was seen; return it as figures."""
    for wrong in outcome.wrong:
        print(f"WRONG {wrong}")
    for key, (said, true) in outcome.miscounted.items():
        print(f"MISCOUNTED {key}: {said}, but {true}")
    for (route, method, status), count in sorted(outcome.tally.items()):
        print(f"  {count:6,}  {method} {route} {status}")
    print(f"  refused with 429 and sent again: {outcome.count(429):,}")
    print(f"  connections broken: {dict(outcome.broken)}")
    print(f"  {outcome.items} items, generation {outcome.generation}, {outcome.seconds:.0f} s")
    for done, here, there in outcome.memory[:: max(1, len(outcome.memory) // 20)]:
        print(f"  after {done:6,}: {here:.1f} MiB, read-only {there:.1f} MiB")
    waits = sorted(outcome.waits)
    return [
        Figure("soak: wrong answers", len(outcome.wrong), 0, False),
        Figure("soak: answers of 5xx", outcome.failures, 0, False),
        Figure("soak: connections broken meanwhile", outcome.broken.total(), 1, True),
        Figure("soak: counts of /metrics that are off", len(outcome.miscounted), 0, False),
        Figure("soak: writes looked for in a second server", len(waits), 1, True),
        Figure("soak: longest until they were there, seconds", waits[-1], _MOST_WAIT_S, False),
        Figure("soak: memory, MiB a 1,000 requests", slope(outcome, 1), _MOST_SLOPE_MIB, False),
        Figure("soak: memory read-only, the same", slope(outcome, 2), _MOST_SLOPE_MIB, False),
    ]


def slope(outcome: Outcome, which: int) -> float:
    """Return how fast memory grew in the last two thirds, in MiB a 1,000 requests."""
    late = outcome.memory[len(outcome.memory) // 3 :]
    if (count := len(late)) < 2:
        return 0.0
    mean_x = sum(one[0] for one in late) / count
    mean_y = sum(one[which] for one in late) / count
    above = sum((one[0] - mean_x) * (one[which] - mean_y) for one in late)
    below = sum((one[0] - mean_x) ** 2 for one in late)
    return 1000 * above / below


if __name__ == "__main__":
    main()
