"""The local engine: batches by position, in order, a few at a time, whatever threads do."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.engine import Batch
from indexer.local_engine import LocalEngine
from indexer.sources import Entry
from indexer.staging import Work
from models.extraction import Extractor, PoolName
from models.images import Limits, decode
from models.preprocess import to_square
from tests.fakes import SMALL, FakeExtractor, random_colors, write_pictures

POOLS = [PoolName(1, "gap"), PoolName(3, "foreground")]


@pytest.fixture
def works(tmp_path: Path) -> list[Work]:
    """Twenty pictures, of which the second and the tenth to fourteenth are none."""
    colors = random_colors(20)
    write_pictures(tmp_path, colors)
    for name in ("001.png", *(f"{n:03}.png" for n in range(10, 15))):
        (tmp_path / name).write_bytes(b"no picture")
    return [Work(Entry(name, tmp_path / name), 1, 1) for name in colors]


def run(
    works: list[Work], batch_size: int = 5, threads: int = 3, extractor: Extractor | None = None
) -> list[Batch]:
    engine = LocalEngine(SMALL, Limits(), batch_size=batch_size, threads=threads)
    used = extractor or FakeExtractor()
    return list(engine.run(works, lambda: used, POOLS))


def test_batches_are_cut_by_position_readable_or_not(works: list[Work]) -> None:
    batches = run(works)
    shape = [(len(batch.embedded), len(batch.unreadable)) for batch in batches]
    assert shape == [(4, 1), (5, 0), (0, 5), (5, 0)]
    assert batches[2].pools is None
    done = [one.work.entry.key for batch in batches for one in batch.embedded]
    assert done == [f"{n:03}.png" for n in range(20) if n != 1 and not 10 <= n < 15]


def test_rows_are_the_pools_of_the_pictures_beside_them(works: list[Work]) -> None:
    extractor = FakeExtractor()
    for batch in run(works):
        for row, one in enumerate(batch.embedded):
            data = one.work.entry.path.read_bytes()
            assert (one.digest, one.size) == (hashlib.sha256(data).hexdigest(), len(data))
            assert batch.pools is not None
            assert list(batch.pools) == POOLS
            expected = extractor.extract(to_square(decode(data), SMALL)[None], POOLS)
            for pool in POOLS:
                np.testing.assert_allclose(batch.pools[pool][row], expected[pool][0], rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_threads_change_nothing(works: list[Work], threads: int) -> None:
    for mine, its in zip(run(works, threads=threads), run(works), strict=True):
        assert (mine.embedded, mine.unreadable) == (its.embedded, its.unreadable)
        for pool in POOLS if mine.pools else ():
            np.testing.assert_array_equal(mine.pools[pool], its.pools[pool])


def test_the_reason_says_why_a_picture_cannot_be_read(works: list[Work], tmp_path: Path) -> None:
    gone = Work(Entry("gone", tmp_path / "gone.png"), None, None)
    named = Work(Entry("named", works[0].entry.path, problem="its name is not UTF-8"), None, None)
    (batch,) = run([works[1], gone, named])
    reasons = [one.reason for one in batch.unreadable]
    assert reasons[0].startswith("it is not a picture: expected one of JPEG")
    assert reasons[1].startswith("no file at")
    assert reasons[2] == "its name is not UTF-8"


def test_limits_hold_for_bytes_and_pixels(works: list[Work]) -> None:
    for limits, reason in ((Limits(max_bytes=20), "bytes"), (Limits(max_pixels=9), "pixels")):
        engine = LocalEngine(SMALL, limits, batch_size=1, threads=1)
        (batch,) = engine.run(works[:1], FakeExtractor, POOLS)
        assert reason in batch.unreadable[0].reason


def test_the_extractor_is_made_once_and_only_for_a_picture(works: list[Work]) -> None:
    made = []

    def factory() -> Extractor:
        made.append(FakeExtractor())
        return made[-1]

    engine = LocalEngine(SMALL, Limits(), batch_size=3, threads=2)
    assert len(list(engine.run(works[10:15], factory, POOLS))) == 2
    assert made == []
    list(engine.run(works, factory, POOLS))
    assert len(made) == 1


def test_no_more_than_four_batches_are_under_way(works: list[Work]) -> None:
    taken = 0

    def source() -> Iterator[Work]:
        nonlocal taken
        for work in works * 10:
            taken += 1
            yield work

    engine = LocalEngine(SMALL, Limits(), batch_size=5, threads=2)
    for done, _ in enumerate(engine.run(source(), FakeExtractor, POOLS), start=1):
        assert taken <= (done + 3) * 5
    assert taken == 200


def test_a_run_broken_off_ends_its_threads(works: list[Work]) -> None:
    before = threading.active_count()
    engine = LocalEngine(SMALL, Limits(), batch_size=2, threads=4)
    with pytest.raises(KeyboardInterrupt):
        list(engine.run(works * 10, lambda: FakeExtractor(after=4), POOLS))
    batches = engine.run(works * 10, FakeExtractor, POOLS)
    next(batches)
    del batches
    assert threading.active_count() == before


def test_no_work_is_no_batch() -> None:
    assert run([]) == []
