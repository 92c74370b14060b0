"""Snapshots: segments, delta and mask together equal brute force over live items."""

from collections.abc import Iterator

import numpy as np
import pytest

from indexer.segment_making import build_segment
from indexer.segments import Segment
from indexer.snapshot import Snapshot, SpaceSnapshot, live_mask, merge, rows, scan
from indexer.spaces import Metric, Space, similarities, simple_space, unit
from tests.fakes import manifest

RANDOM = np.random.default_rng(3)
VECTORS = unit(RANDOM.standard_normal((300, 6)).astype(np.float32))
QUERIES = unit(RANDOM.standard_normal((4, 6)).astype(np.float32))
LIVE = np.flatnonzero(RANDOM.random(300) < 0.7)


def space(metric: Metric) -> Space:
    return simple_space("a", (), False, False, metric)


def oracle(metric: Metric, k: int, live: np.ndarray = LIVE) -> np.ndarray:
    values = similarities(QUERIES, VECTORS[live], metric)
    return live[np.argsort(-values, axis=1, kind="stable")[:, :k]]


def snapshot(metric: Metric) -> Snapshot:
    def one(start: int, end: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield np.arange(start, end), VECTORS[start:end]

    segments = tuple(
        build_segment("Flat", metric, 6, one(*run), VECTORS.__getitem__)
        for run in ((0, 150), (150, 220))
    )
    newer = LIVE[LIVE >= 220]
    state = SpaceSnapshot(segments, (VECTORS[newer], newer), VECTORS[:0])
    return Snapshot(manifest(), live_mask(LIVE, 300), {"a": state})


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_segments_delta_and_mask_equal_brute_force(metric: Metric, k: int) -> None:
    found = snapshot(metric).search(space(metric), QUERIES, k)
    slots = [slots.tolist() for _, slots in rows(found)]
    assert slots == oracle(metric, k).tolist()
    for at, (values, order) in enumerate(rows(found)):
        assert (np.diff(values) <= 0).all()
        expected = similarities(QUERIES[at : at + 1], VECTORS[order], metric)[0]
        np.testing.assert_allclose(values, expected, atol=1e-3)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("step", [1, 7, 64, 1000])
@pytest.mark.parametrize("k", [1, 10, 500])
def test_a_scan_equals_brute_force_whatever_its_batches(metric: Metric, step: int, k: int) -> None:
    runs = (LIVE[at : at + step] for at in range(0, len(LIVE), step))
    values, slots = scan(QUERIES, ((run, VECTORS[run]) for run in runs), k, metric)
    np.testing.assert_array_equal(slots, oracle(metric, k))
    assert (np.diff(values, axis=1) <= 0).all()


def test_a_scan_holds_one_batch_at_a_time() -> None:
    alive: list[int] = []

    class Counted(np.ndarray):
        def __del__(self) -> None:
            if getattr(self, "counted", False):
                alive.pop()

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for at in range(0, 300, 10):
            vectors = VECTORS[at : at + 10].copy().view(Counted)
            vectors.counted = True
            alive.append(at)
            assert len(alive) <= 2
            yield np.arange(at, at + 10), vectors

    scan(QUERIES, batches(), 5, "cosine")


def test_an_empty_snapshot_finds_nothing() -> None:
    empty = SpaceSnapshot((), (np.empty((0, 0), np.float32), LIVE[:0]), VECTORS[:0])
    nothing = Snapshot(manifest(), live_mask(LIVE[:0], 0), {"a": empty})
    found = nothing.search(space("cosine"), QUERIES, 5)
    assert [len(slots) for _, slots in rows(found)] == [0, 0, 0, 0]
    assert scan(QUERIES, iter(()), 5, "cosine")[0].shape == (4, 0)


def test_ties_go_to_the_lower_slot_and_fillers_come_last() -> None:
    first = np.array([[0.9, 0.5, -3.4e38]], np.float32), np.array([[8, 2, -1]])
    second = np.array([[0.9, 0.5]], np.float32), np.array([[3, 7]])
    values, slots = merge([first, second], 5, 1)
    assert slots.tolist() == [[3, 8, 2, 7, -1]]
    assert values[0, -1] == -np.inf
    assert [slots.tolist() for _, slots in rows((values, slots))] == [[3, 8, 2, 7]]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_of_equal_vectors_the_lower_slots_are_found_whatever_the_batches(metric: Metric) -> None:
    same = np.repeat(VECTORS[:1], 30, axis=0)
    for step in (1, 7, 30):
        runs = (np.arange(at, min(at + step, 30)) for at in range(0, 30, step))
        _, slots = scan(QUERIES, ((run, same[run]) for run in runs), 4, metric)
        assert slots.tolist() == [[0, 1, 2, 3]] * 4
    state = SpaceSnapshot((), (same, np.arange(30)), VECTORS[:0])
    live = live_mask(np.arange(2, 30), 30)
    _, slots = Snapshot(manifest(), live, {"a": state}).search(space(metric), QUERIES, 4)
    assert slots.tolist() == [[2, 3, 4, 5]] * 4


def test_of_equal_vectors_those_in_a_segment_come_before_newer_ones() -> None:
    same = np.repeat(VECTORS[:1], 6, axis=0)
    old = build_segment("Flat", "cosine", 6, [(np.arange(3), same[:3])], same.__getitem__)
    state = SpaceSnapshot((old,), (same[3:], np.arange(3, 6)), VECTORS[:0])
    mask = live_mask(np.arange(6), 6)
    found = Snapshot(manifest(), mask, {"a": state}).search(space("cosine"), same[:1], 5)
    assert found[1].tolist() == [[0, 1, 2, 3, 4]]


def test_the_mask_tells_live_slots_back() -> None:
    mask = live_mask(LIVE, 300)
    assert np.flatnonzero(mask).tolist() == LIVE.tolist()


# --- similarities of chosen slots --------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("count", [0, 1, 5, 40, 150, 1000])
def test_similarities_across_segments_and_delta_equal_brute_force(
    metric: Metric, count: int
) -> None:
    # The snapshot's segments also hold slots that are no longer live.
    held = np.concatenate([np.arange(220), LIVE[LIVE >= 220]])
    chosen = np.sort(RANDOM.permutation(held)[:count])
    for query in QUERIES:
        found = snapshot(metric).similarities(space(metric), query, chosen)
        assert (found.dtype, found.shape) == (np.float32, chosen.shape)
        expected = similarities(query[None], VECTORS[chosen], metric)[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("chosen", [[3], [149, 150], [0, 150, 219], [LIVE[-1]], [7, LIVE[-1]]])
def test_similarities_of_a_few_slots_here_and_there_equal_brute_force(chosen: list[int]) -> None:
    found = snapshot("cosine").similarities(space("cosine"), QUERIES[0], np.array(chosen))
    np.testing.assert_allclose(found, VECTORS[chosen] @ QUERIES[0], atol=1e-5)


def test_similarities_need_no_segments_and_no_delta() -> None:
    run = (np.arange(300), VECTORS)
    only_segment = build_segment("Flat", "cosine", 6, [run], VECTORS.__getitem__)
    nothing = np.empty((0, 0), np.float32), LIVE[:0]
    for state in (
        SpaceSnapshot((only_segment,), nothing, VECTORS[:0]),
        SpaceSnapshot((), (VECTORS, np.arange(300)), VECTORS[:0]),
    ):
        one = Snapshot(manifest(), live_mask(LIVE, 300), {"a": state})
        found = one.similarities(space("cosine"), QUERIES[0], LIVE)
        np.testing.assert_allclose(found, VECTORS[LIVE] @ QUERIES[0], atol=1e-5)


def test_a_slot_that_the_snapshot_does_not_hold_has_no_similarity() -> None:
    missing = np.setdiff1d(np.arange(220, 300), LIVE)
    chosen = np.concatenate([[4], missing, [5000]])
    found = snapshot("cosine").similarities(space("cosine"), QUERIES[0], chosen)
    assert np.isnan(found).tolist() == [False] + [True] * (len(missing) + 1)


@pytest.mark.parametrize(
    ("index_type", "scans"),
    [("Flat", True), ("HNSW16", True), ("SQ8", False), ("IVF4,Flat", False)],
)
def test_only_whole_vectors_in_memory_are_looked_at_one_by_one(
    index_type: str, scans: bool
) -> None:
    def one(kind: str) -> Segment:
        run = (np.arange(300), VECTORS)
        return build_segment(kind, "cosine", 6, [run], lambda size: VECTORS[:size])

    nothing = np.empty((0, 0), np.float32), LIVE[:0]
    state = SpaceSnapshot((one("Flat"), one(index_type)), nothing, VECTORS[:0])
    found = Snapshot(manifest(), live_mask(LIVE, 300), {"a": state})
    assert found.scans(space("cosine")) is scans


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("count", [0, 1, 20, 150])
def test_a_search_among_selected_slots_finds_the_best_of_those(metric: Metric, count: int) -> None:
    chosen = np.sort(RANDOM.permutation(LIVE)[:count])
    one, mask = snapshot(metric), live_mask(chosen, 300)
    found = one.search(space(metric), QUERIES, 10, mask)
    assert [s.tolist() for _, s in rows(found)] == oracle(metric, 10, chosen).tolist()
    # The next search of all finds all again.
    whole = one.search(space(metric), QUERIES, 10)
    assert [s.tolist() for _, s in rows(whole)] == oracle(metric, 10).tolist()
