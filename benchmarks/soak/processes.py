"""Servers in processes of their own, and what they hold of memory."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

FAKE = ("-m", "benchmarks.soak.server")
REAL = ("-c", "import sys; from api.main import run; sys.exit(run(['serve', *sys.argv[1:]]))")
_ROOT = Path(__file__).parents[2]
_LISTENING = re.compile(r"listening on (http://\S+)")
_PATIENCE_S = 60


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    address: str
    pid: int

    @property
    def rss_mib(self) -> float:
        """What it holds of memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def serving(program: tuple[str, ...], index: Path, *flags: str) -> Iterator[Served]:
    """Yield a server of ``index``, ready; raises AssertionError if it does not end well."""
    command = [sys.executable, *program, "--index", str(index), "--port", "0", *flags]
    said: list[str] = []
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            address = _address(process.stderr, said)
            reading = threading.Thread(target=said.extend, args=(process.stderr,))
            reading.start()  # or the pipe is full some day
            while httpx.get(f"{address}/readyz", timeout=_PATIENCE_S).status_code != 200:
                assert process.poll() is None, said
            yield Served(address, process.pid)
            process.terminate()
            assert process.wait(_PATIENCE_S) == 0, "".join(said[-20:])
            reading.join()
            assert not any("Traceback" in line for line in said), "".join(said[-60:])
        finally:
            process.kill()


def _address(stream: IO[str], said: list[str]) -> str:
    for line in stream:
        said.append(line)
        if found := _LISTENING.search(line):
            return found[1]
    raise AssertionError(f"the server did not start: {''.join(said)}")
