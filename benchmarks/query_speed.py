"""A color query against the plain loop's: time from a picture file to its neighbours."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.plain_loop import PlainLoop
from benchmarks.report import Figure
from indexer.build import BuildOptions
from indexer.watching import Watcher
from service.building import build_index, make_index
from service.opening import open_index
from service.query import Query
from service.settings import load_settings


def measure(pictures: Path, weights: Path, scratch: Path, repeats: int) -> Iterator[Figure]:
    """Yield the ratio of a color query's time to the plain loop's."""
    paths = sorted(pictures.glob("*.jpg"))
    plain = PlainLoop(weights)
    plain.build(paths[:64], workers=0)
    settings = load_settings(
        index=str(scratch / "queried"), backbone="resnet50", weights=str(weights)
    )
    make_index(scratch / "queried", settings, print)
    build_index(str(pictures), settings, BuildOptions(), Watcher(), print)
    opened = open_index(settings)
    query = Query.model_validate({"terms": [{"attribute": "color", "image": {"part": "a"}}]})

    def ours(path: Path) -> None:
        opened.searcher.answer(query, {"a": path.read_bytes()})

    def theirs(path: Path) -> None:
        plain.query(path, "2", 20)

    ratios, times = [], ([], [])
    for path in (paths * repeats)[: 20 * repeats]:
        pair = _timed(ours, path), _timed(theirs, path)
        times[0].append(pair[0])
        times[1].append(pair[1])
        ratios.append(pair[0] / pair[1])
    print(f"  color query: {median(times[0]) * 1000:.1f} ms, "
          f"plain loop {median(times[1]) * 1000:.1f} ms")  # fmt: skip
    opened.close()
    yield Figure("color query / plain loop, time", median(ratios), 0.5, False)


def _timed(call: Callable[[Path], None], path: Path) -> float:
    started = time.perf_counter()
    call(path)
    return time.perf_counter() - started
