"""Send generated requests to every operation of the REST API: `python -m benchmarks.api_fuzz`.

Once without keys, and with keys for each scope and for a client that sends none. Printed are how
many answers of 2xx and 4xx each operation gave; the exit status is 1 for any answer that the
OpenAPI document does not promise, and for an operation that never succeeded.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.api_fuzz.calls import Seen, is_enough, operations, send_all
from benchmarks.api_fuzz.world import ACCESSES, Access, served
from benchmarks.report import Figure

_MOST_SHOWN = 4000


def main() -> None:
    """Run what is asked for, print what was seen, exit 1 for anything wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_fuzz")
    parser.add_argument("--examples", type=int, default=2_000, help="an operation (2,000)")
    parser.add_argument("--access", choices=ACCESSES, help="one of them; without, all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    figures = [
        figure
        for access in ([given.access] if given.access else ACCESSES)
        for figure in measure(access, given.examples, given.seed)
    ]
    for figure in figures:
        print(figure)
    sys.exit(not all(figure.passed for figure in figures))


def measure(access: Access, examples: int, number: int) -> list[Figure]:
    """Return the figures of ``examples`` requests to each operation with one sort of access."""
    seen, started = Seen(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), access) as world:
        send_all(world, examples, number, seen, boundaries=True)
        asked = {one.label: is_enough(world, one) for one in operations(world)}
    for label, let_in in asked.items():
        counts = ", ".join(f"{first}xx {seen.of(label, first)}" for first in (2, 3, 4, 5))
        print(f"  {access:5} {'' if let_in else 'refused: '}{label}: {counts}")
    for what, text in seen.failures.items():
        print(f"WRONG {what}\n{text[:_MOST_SHOWN]}\n")
    seconds = time.perf_counter() - started
    print(f"  {access:5} {seen.calls:,} requests in {seconds:.0f} s")
    idle = sum(let_in and not seen.of(label, 2) for label, let_in in asked.items())
    return [
        Figure(f"access {access}: answers the document does not promise", len(seen.failures), 0,
               False),
        Figure(f"access {access}: operations that never succeeded", idle, 0, False),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
