"""Segments that chose what they are made of, against brute force."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import planning, segment_making
from indexer.errors import IndexFolderError
from indexer.planning import Profile
from indexer.segment_making import Wanted, build_tuned
from indexer.segments import Segment, halves_beside, read_segment
from indexer.spaces import Metric, Slots, unit
from models.extraction import Vectors

COUNT, WIDTH = 6000, 64
SPREAD = (1 + np.arange(WIDTH) / 8).astype(np.float32) ** -1.3
RANDOM = np.random.default_rng(3)
VECTORS = unit(RANDOM.standard_normal((COUNT, WIDTH), np.float32) * SPREAD)
QUERIES = unit(RANDOM.standard_normal((100, WIDTH), np.float32) * SPREAD)
# Slots with holes between them.
SLOTS = np.arange(COUNT, dtype=np.int64) * 2 + 1
END = 2 * COUNT


def read(slots: Slots) -> Iterator[tuple[Slots, Vectors]]:
    for at in range(0, len(slots), 1000):
        some = slots[at : at + 1000]
        yield some, VECTORS[some // 2]


def sample(slots: Slots, size: int) -> Vectors:
    chosen = np.random.default_rng(0).choice(slots, min(size, len(slots)), replace=False)
    return VECTORS[np.sort(chosen) // 2]


def tuned(folder: Path, profile: Profile, recall: float, metric: Metric = "cosine") -> Segment:
    wanted = Wanted(profile, recall)
    return build_tuned(wanted, metric, WIDTH, SLOTS, read, sample, folder)


def brute(live: np.ndarray, k: int, metric: Metric = "cosine") -> tuple[Vectors, Slots]:
    slots = SLOTS[live[SLOTS]]
    some = VECTORS[slots // 2]
    if metric == "cosine":
        values = QUERIES @ some.T
    else:
        values = -np.linalg.norm(QUERIES[:, None] - some[None], axis=2)
    order = np.argsort(-values, axis=1)[:, :k]
    return np.take_along_axis(values, order, 1), slots[order]


def share(found: Slots, truth: Slots) -> float:
    pairs = zip(found, truth, strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / truth.shape[1] for a, b in pairs]))


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let six thousand be many."""
    monkeypatch.setattr(planning, "FEWEST", 1000)
    monkeypatch.setattr(planning, "FEWEST_NUMBERS", 10_000)
    monkeypatch.setattr(segment_making, "_HELD_OUT", 200)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Segment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "FEWEST", 1000)
        patch.setattr(planning, "FEWEST_NUMBERS", 10_000)
        return tuned(tmp_path_factory.mktemp("small"), "small", 0.97)


ALL = np.ones(END, np.bool_)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize(("profile", "recall"), [("small", 0.9), ("small", 0.97), ("fast", 0.99)])
def test_a_search_finds_the_share_that_was_asked_for(
    profile: Profile, recall: float, metric: Metric, tmp_path: Path
) -> None:
    made = tuned(tmp_path, profile, recall, metric)
    values, slots = made.search(QUERIES, 10, ALL)
    expected, truth = brute(ALL, 10, metric)
    assert made.tuning is not None
    assert made.tuning.recall >= recall
    assert share(slots, truth) >= recall - 0.02
    same = slots == truth
    assert np.abs(values[same] - expected[same]).max() < 2e-3
    assert not made.is_exact


def test_similarities_fall_and_are_those_of_the_slots(small: Segment) -> None:
    values, slots = small.search(QUERIES, 20, ALL)
    assert (np.diff(values, axis=1) <= 0).all()
    exact = np.einsum("qd,qkd->qk", QUERIES, VECTORS[slots // 2])
    np.testing.assert_allclose(values, exact, atol=2e-3)


@pytest.mark.parametrize("part", [0.5, 0.1, 0.02])
def test_few_that_may_be_found_are_found_as_well(small: Segment, part: float) -> None:
    live = np.random.default_rng(5).random(END) < part
    slots = small.search(QUERIES, 10, live, lasting=False)[1]
    assert live[slots[slots >= 0]].all()
    assert share(slots, brute(live, 10)[1]) >= 0.95


def test_more_are_found_where_more_are_asked_for(small: Segment) -> None:
    for k in (1, 20, 1000, 2000):
        slots = small.search(QUERIES, k, ALL)[1]
        assert share(slots, brute(ALL, k)[1]) >= 0.95


def test_every_slot_is_held_once(small: Segment) -> None:
    np.testing.assert_array_equal(np.sort(small.slots), SLOTS)
    assert small.halves is not None
    rows = small.rows_of(SLOTS)
    np.testing.assert_allclose(small.halves[rows], VECTORS, atol=1e-3)


def test_it_answers_alike_once_written_and_read(small: Segment, tmp_path: Path) -> None:
    path = tmp_path / "segment-0.faiss"
    small.write(path)
    again = read_segment(path, "cosine", small.tuning)
    for k in (3, 10):
        for mine, other in zip(
            small.search(QUERIES, k, ALL), again.search(QUERIES, k, ALL), strict=True
        ):
            np.testing.assert_array_equal(mine, other)
    assert path.stat().st_size < 0.5 * COUNT * WIDTH * 4
    assert halves_beside(path).stat().st_size == COUNT * WIDTH * 2


def test_halves_that_are_lost_or_cut_are_damage(small: Segment, tmp_path: Path) -> None:
    path = tmp_path / "segment-0.faiss"
    small.write(path)
    halves = halves_beside(path)
    halves.write_bytes(halves.read_bytes()[:-2])
    with pytest.raises(IndexFolderError, match="damaged: it does not hold 6000 rows of 64"):
        read_segment(path, "cosine", small.tuning)
    halves.unlink()
    with pytest.raises(IndexFolderError, match="cannot be read"):
        read_segment(path, "cosine", small.tuning)


def test_few_vectors_are_searched_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEWEST", COUNT)
    made = tuned(tmp_path, "small", 0.9)
    assert made.is_exact
    assert made.halves is None
    np.testing.assert_array_equal(made.search(QUERIES, 10, ALL)[1], brute(ALL, 10)[1])
