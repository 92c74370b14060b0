"""A large index of the real network without its pictures, and a server of it."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from benchmarks.synthetic import make_item
from indexer.local import open_for_writing
from models.extraction import Extractor, PoolName, RawPools, Vectors
from models.images import Limits, decode
from models.preprocess import cut_square
from service.building import make_index
from service.settings import Settings

_RUN = 10_000


def make_served(
    folder: Path, settings: Settings, pictures: Sequence[Path], items: int
) -> Extractor:
    """Make an index of ``items`` items and return its network.

    The raw pools of each are a mixture of two pictures', with noise: so vectors spread in few
    directions, as those of pictures do.
    """
    network = make_index(folder, settings, print)
    random = np.random.default_rng(0)
    with open_for_writing(folder) as store:
        store.put_columns({"percent": "integer", "name": "text"}, ["percent"])
        manifest = store.manifest
        squares = [
            cut_square(decode(one.read_bytes(), Limits()), manifest.recipe.preprocess).pixels
            for one in pictures
        ]
        names = list(manifest.pools)
        seen = [
            network.extract(np.stack(squares[at : at + 32]), names)
            for at in range(0, len(squares), 32)
        ]
        known = {name: np.concatenate([raw[name] for raw in seen]) for name in names}
        for start in range(0, items, _RUN):
            count = min(_RUN, items - start)
            pairs = random.integers(0, len(pictures), (2, count))
            share = random.random((count, 1), np.float32)
            store.shop.pools.write(start, _mixed(known, pairs, share, random))
            percents = random.integers(0, 100, count).tolist()
            with store.catalog.transaction():
                store.catalog.put(
                    [make_item(start + at, percent) for at, percent in enumerate(percents)]
                )
        store.checkpoint()
    return network


def _mixed(
    known: RawPools, pairs: np.ndarray, share: Vectors, random: np.random.Generator
) -> dict[PoolName, Vectors]:
    found = {}
    for name, rows in known.items():
        mean = rows[pairs[0]] * share + rows[pairs[1]] * (1 - share)
        noise = np.exp(0.1 * random.standard_normal(mean.shape, np.float32))
        found[name] = (mean * noise).astype(np.float32)
    return found


@contextmanager
def server(folder: Path, *flags: str, log: Path, **environment: str) -> Iterator[int]:
    """Run `hueweave serve` in a process of its own and yield its port once it is ready."""
    command = [sys.executable, "-c", "from api.main import main; main()", "serve"]
    command += ["--index", str(folder), "--port", "0", "--read-only", *flags]
    with log.open("w") as out:
        process = subprocess.Popen(command, stderr=out, stdout=out, env=_environment(environment))
    try:
        yield _port(process, log)
    finally:
        process.terminate()
        process.wait()


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    while process.poll() is None:
        if found := re.search(r"listening on http://[^:]+:(\d+)", log.read_text()):
            address = f"http://127.0.0.1:{found[1]}/readyz"
            with suppress(OSError), urllib.request.urlopen(address) as answer:
                if answer.status == 200:
                    return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(log.read_text())
