"""A server under load, by picture and by key, beside its own network:
`python -m benchmarks.serving`; `--items 1000000` for a large index."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.clients import Load, drive, key_request, picture_request
from benchmarks.material import make_pictures, make_weights
from benchmarks.report import Figure, write
from benchmarks.served import make_served, server
from indexer.manifest_file import read_manifest
from models.compiled import compiled
from models.extraction import Extractor, PoolName
from models.images import Limits, decode
from models.preprocess import cut_square
from models.threads import all_threads, shared
from service.settings import load_settings

ITEMS, CLIENTS, SECONDS = 100_000, (1, 8, 32, 128), 3.0
ATTRIBUTES = ("color", "texture")
_QUEUE, _PICTURES, _BATCH = "256", 100, 32
# Small, so that what is measured is the network and the server, hardly the decoding.
_SIDE = 256
# Single clients of both servers take turns of so many queries.
_TURN = 5
# Many clients, the network alone and queries by key take so many turns.
MANY, _TURNS = 32, 3


class Bench:
    """One index, its pictures, and its network in this process."""

    def __init__(self, scratch: Path, weights: Path, items: int, seconds: float) -> None:
        self.scratch, self.seconds = scratch, seconds
        self.folder = scratch / "served"
        self.paths = make_pictures(scratch / "asked", _PICTURES, _SIDE)
        settings = load_settings(index=str(self.folder), weights=str(weights), blocks="1,2,4")
        network = make_served(self.folder, settings, self.paths, items)
        self.network: Extractor = compiled(network)  # as the server runs it
        all_threads()
        self.manifest = read_manifest(self.folder)
        self.keys = [f"{slot:08}" for slot in np.random.default_rng(1).choice(items, 300)]
        self.data = [path.read_bytes() for path in self.paths]

    def pools(self, attribute: str) -> Sequence[PoolName]:
        """Return what an attribute asks of the network."""
        return self.manifest.space_of_attribute(attribute).pools

    def requests(self, attribute: str, by: str) -> list[bytes]:
        """Return the requests that clients send."""
        if by == "key":
            return [key_request(key, attribute) for key in self.keys]
        return [picture_request(data, attribute) for data in self.data]

    def prepared(self) -> float:
        """Return how long a picture takes from its bytes to the square, in seconds."""
        preprocess = self.manifest.recipe.preprocess
        times = []
        for data in self.data:
            started = time.perf_counter()
            cut_square(decode(data, Limits(), preprocess.decode_at_least), preprocess)
            times.append(time.perf_counter() - started)
        return median(times)

    def network_rate(self, attribute: str) -> float:
        """Return how many pictures a second the network does in batches, and nothing else: with
        all threads at each batch or with a batch a thread, whichever is faster now."""
        cores = os.cpu_count() or 1
        return max(self._rate(attribute, 1), self._rate(attribute, cores))

    def _rate(self, attribute: str, threads: int) -> float:
        preprocess = self.manifest.recipe.preprocess
        squares = [cut_square(decode(one, Limits()), preprocess).pixels for one in self.data]
        batch, pools = np.stack(squares[:_BATCH]), self.pools(attribute)

        def run() -> float:
            times = []
            end = time.perf_counter() + self.seconds / 4
            with shared(threads):
                while len(times) < 2 or time.perf_counter() < end:
                    started = time.perf_counter()
                    self.network.extract(batch, pools)
                    times.append(time.perf_counter() - started)
            return _BATCH / median(times)

        with ThreadPoolExecutor(threads) as pool:
            return sum(one.result() for one in [pool.submit(run) for _ in range(threads)])


def measure(
    scratch: Path,
    weights: Path,
    items: int,
    seconds: float = SECONDS,
    counts: Sequence[int] = CLIENTS,
) -> Iterator[Figure]:
    """Yield the figures of a server of ``items`` items, each load lasting so many seconds."""
    bench = Bench(scratch, weights, items, seconds)
    with server(bench.folder, "--max-queue", _QUEUE, log=scratch / "batched.log") as port:
        with server(bench.folder, log=scratch / "alone.log", HUEWEAVE_MAX_BATCH="1") as alone:
            for attribute in ATTRIBUTES:
                yield _single(bench, attribute, port, alone)
        for attribute in ATTRIBUTES:
            yield from _loads(bench, attribute, port, counts)


def _single(bench: Bench, attribute: str, batched: int, alone: int) -> Figure:
    """Compare one client's times with batching and without, in turns on two servers."""
    requests = bench.requests(attribute, "picture")
    times: dict[int, list[float]] = {batched: [], alone: []}
    end = time.perf_counter() + 3 * bench.seconds
    for port in times:
        drive(port, requests, 1, 1.0)
    while time.perf_counter() < end:
        for port, seen in times.items():
            seen += drive(port, requests, 1, _TURN * (median(seen) if seen else 0.02)).times
    with_it, without = (median(seen) * 1000 for seen in times.values())
    print(f"  one client, {attribute}: p50 {with_it:.1f} ms, without batching {without:.1f} ms")
    name = f"one client, {attribute} by picture: p50 / without batching"
    return Figure(name, with_it / without, 1.05, at_least=False)


def _loads(bench: Bench, attribute: str, port: int, counts: Sequence[int]) -> Iterator[Figure]:
    for by in ("key", "picture"):
        requests = bench.requests(attribute, by)
        drive(port, requests, 8, 1.0)
        for clients in counts:
            load = drive(port, requests, clients, bench.seconds)
            _show(f"{attribute} by {by}, {clients} clients", load)
    yield from _against(bench, attribute, port)


def _against(bench: Bench, attribute: str, port: int) -> Iterator[Figure]:
    """Hold the rate of many clients against the network's alone, and against all that a query by
    picture costs on the same processors: network, the picture's preparation, and what a query by
    key costs. All three take turns, and medians count."""
    networks, rates, keys = list[float](), list[float](), list[float]()
    for _ in range(_TURNS):
        networks.append(bench.network_rate(attribute))
        rates.append(drive(port, bench.requests(attribute, "picture"), MANY, bench.seconds).rate)
        keys.append(drive(port, bench.requests(attribute, "key"), MANY, bench.seconds / 2).rate)
    network, rate = median(networks), median(rates)
    rest = bench.prepared() / (os.cpu_count() or 1) + 1 / median(keys)
    bound = 1 / (1 / network + rest)
    print(
        f"  {attribute}: network alone {network:.1f} pictures/s, bound of the whole "
        f"{bound:.1f}/s, {MANY} clients {rate:.1f}/s",
        flush=True,
    )
    name = f"{MANY} clients, {attribute} by picture: rate / network's in batches"
    yield Figure(name, rate / network, 0.85, at_least=True)
    name = f"{MANY} clients, {attribute} by picture: rate / bound of network, decoding, search"
    yield Figure(name, rate / bound, 0.85, at_least=True)


def _show(name: str, load: Load) -> None:
    percentiles = ", ".join(f"p{at} {load.percentile(at):.1f}" for at in (50, 95, 99))
    own = f"clients at {load.own / load.seconds:.0%} of a core"
    print(f"  {name}: {load.rate:.1f}/s, {percentiles} ms, {own}", flush=True)


def main() -> None:
    """Measure and print; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--weights", type=Path, help="weights of a ResNet-50 (random ones)")
    parser.add_argument("--items", type=int, default=ITEMS, help="items of the index (100,000)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of a load (3)")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="how many at once")
    parser.add_argument("--write", type=Path, help="write the figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        weights = given.weights or make_weights(scratch / "resnet50.pth")
        figures = list(measure(scratch, weights, given.items, given.seconds, given.clients))
    for figure in figures:
        print(figure)
    if given.write:
        write(figures, given.write)
    raise SystemExit(not all(figure.passed for figure in figures))


if __name__ == "__main__":
    main()
