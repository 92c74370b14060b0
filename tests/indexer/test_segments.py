"""Segments: FAISS against brute force, with and without deleted slots."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from indexer.errors import IndexFolderError
from indexer.factory import IndexTypeError, check_index_type
from indexer.segment_making import build_segment
from indexer.segments import Segment, read_segment
from indexer.spaces import Metric, unit

RANDOM = np.random.default_rng(2)
COUNT, WIDTH = 600, 8
VECTORS = unit(RANDOM.standard_normal((COUNT, WIDTH)).astype(np.float32))
QUERIES = unit(RANDOM.standard_normal((5, WIDTH)).astype(np.float32))
SLOTS = np.arange(COUNT, dtype=np.int64) * 3 + 1  # gaps, as deletions leave them
SIZE = int(SLOTS.max()) + 1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)


def batches(size: int = 250, count: int = COUNT) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for at in range(0, count, size):
        end = min(at + size, count)
        yield SLOTS[at:end], VECTORS[at:end]


def segment(index_type: str = "Flat", metric: Metric = "cosine") -> Segment:
    return build_segment(index_type, metric, WIDTH, batches(), lambda size: VECTORS[:size])


def mask(hidden: np.ndarray | None = None) -> np.ndarray:
    live = np.zeros(SIZE, dtype=np.bool_)
    live[SLOTS] = True
    if hidden is not None:
        live[hidden] = False
    return live


def oracle(metric: Metric, live: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    values = QUERIES @ VECTORS.T
    if metric == "l2":
        values = -np.linalg.norm(QUERIES[:, None] - VECTORS[None], axis=2)
    values = np.where(live[SLOTS], values, -np.inf)
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(values, order, 1), SLOTS[order]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("deleted", [0, 1, 599])
def test_flat_equals_brute_force_over_live_slots(metric: Metric, deleted: int) -> None:
    hidden = RANDOM.choice(SLOTS, deleted, replace=False)
    live = mask(hidden)
    values, slots = segment(metric=metric).search(QUERIES, 10, live)
    expected = oracle(metric, live, 10)
    there = slots >= 0
    assert there.sum(axis=1).tolist() == [min(10, COUNT - deleted)] * 5
    np.testing.assert_array_equal(slots[there], expected[1][np.isfinite(expected[0])])
    np.testing.assert_allclose(values[there], expected[0][np.isfinite(expected[0])], atol=1e-5)


def test_asking_for_more_than_there_is_gives_all_there_is() -> None:
    _, slots = segment().search(QUERIES, 10_000, mask())
    assert slots.shape == (5, COUNT)
    assert all(sorted(row) == SLOTS.tolist() for row in slots.tolist())


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize(
    "index_type", ["HNSW16", "IVF8,Flat", "SQ8", "IVF8,SQ8", "PCA4,Flat", "PCA4,IVF4,Flat"]
)
def test_other_index_types_never_find_a_deleted_slot(index_type: str, metric: Metric) -> None:
    made = segment(index_type, metric)
    best = made.search(QUERIES, 20, mask())[1]
    live = mask(best[:, :10].ravel())
    values, slots = made.search(QUERIES, 5, live)
    assert (slots >= 0).any()
    assert live[slots[slots >= 0]].all()
    filled = np.where(slots >= 0, values, -np.inf)
    assert (np.diff(filled, axis=1)[:, : (slots >= 0).all(axis=0).sum() - 1] <= 0).all()
    if index_type in ("HNSW16", "SQ8"):
        overlap = [len(set(a) & set(b)) for a, b in zip(slots, oracle(metric, live, 5)[1])]  # noqa: B905
        assert sum(overlap) >= 22


def test_a_search_under_a_mask_probes_as_many_lists_as_one_without() -> None:
    made = segment("IVF8,Flat")
    faiss.extract_index_ivf(made._index).nprobe = 8
    live = mask(SLOTS[:1])
    np.testing.assert_array_equal(made.search(QUERIES, 10, live)[1], oracle("cosine", live, 10)[1])


def test_one_segment_answers_for_each_mask_it_is_given() -> None:
    made, first, second = segment(), mask(SLOTS[:300]), mask(SLOTS[300:])
    for live in (first, second, mask(), first):
        np.testing.assert_array_equal(
            made.search(QUERIES, 7, live)[1], oracle("cosine", live, 7)[1]
        )


def test_many_threads_search_one_segment_under_a_mask() -> None:
    made, live = segment("IVF8,Flat"), mask(SLOTS[::2])
    expected = made.search(QUERIES, 10, live)[1]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: made.search(QUERIES, 10, live)[1], range(200)))
    assert all(np.array_equal(one, expected) for one in found)


def test_equal_vectors_are_all_found() -> None:
    same = np.repeat(VECTORS[:1], 6, axis=0)
    made = build_segment("Flat", "cosine", WIDTH, [(np.arange(6), same)], lambda size: same[:size])
    values, slots = made.search(VECTORS[:1], 6, np.ones(6, np.bool_))
    assert sorted(slots[0].tolist()) == [0, 1, 2, 3, 4, 5]
    assert len(set(values[0].tolist())) == 1


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("deleted", [0, 1])
def test_near_vectors_far_from_the_origin_are_told_apart(count: int, deleted: int) -> None:
    vectors = (100 + 0.1 * RANDOM.standard_normal((COUNT, WIDTH))).astype(np.float32)
    made = build_segment("Flat", "l2", WIDTH, [(SLOTS, vectors)], lambda size: vectors[:size])
    values, slots = made.search(vectors[:count], 1, mask(SLOTS[COUNT - deleted :]))
    assert slots[:, 0].tolist() == SLOTS[:count].tolist()
    np.testing.assert_allclose(values, 0, atol=1e-3)


def test_equal_vectors_have_a_cosine_of_one_at_most() -> None:
    wide = unit(RANDOM.standard_normal((200, 33)).astype(np.float32))
    made = build_segment("Flat", "cosine", 33, [(np.arange(200), wide)], lambda size: wide[:size])
    values, _ = made.search(wide, 3, np.ones(200, np.bool_))
    assert values.max() == 1


def test_a_written_segment_reads_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "segment-0.faiss"
    made = segment("IVF8,SQ8")
    made.write(path)
    read = read_segment(path, "cosine")
    live = mask(SLOTS[::3])
    assert (read.count, read.slots.tolist()) == (COUNT, SLOTS.tolist())
    for mine, its in zip(made.search(QUERIES, 9, live), read.search(QUERIES, 9, live), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert [path.name for path in tmp_path.iterdir()] == ["segment-0.faiss"]


def test_the_same_vectors_give_the_same_bytes_however_they_are_batched(tmp_path: Path) -> None:
    for name, size in (("a", 600), ("b", 7)):
        made = build_segment("Flat", "cosine", WIDTH, batches(size), lambda size: VECTORS[:size])
        made.write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_that_faiss_cannot_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "segment-0.faiss"
    segment().write(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IndexFolderError, match=r"segment-0\.faiss' is damaged"):
        read_segment(path, "cosine")


@pytest.mark.parametrize("index_type", ["Nonsense", "", "IVF8", "flat", "PQ3"])
def test_a_bad_factory_string_is_named(index_type: str) -> None:
    with pytest.raises(IndexTypeError, match=f"index type '{index_type}'"):
        check_index_type(index_type, WIDTH, "cosine")


@pytest.mark.parametrize("index_type", ["PQ4", "SQ8,RFlat", "IDMap,Flat", "OPQ4,PQ4"])
def test_a_type_that_cannot_search_under_a_mask_is_refused_at_once(index_type: str) -> None:
    with pytest.raises(IndexTypeError, match="cannot leave deleted items out"):
        check_index_type(index_type, WIDTH, "cosine")


@pytest.mark.parametrize("index_type", ["Flat", "SQ8", "HNSW32", "IVF256,SQ8", "PCA4,IVF8,Flat"])
def test_a_usable_type_passes_the_check(index_type: str) -> None:
    check_index_type(index_type, WIDTH, "l2")


def test_too_few_vectors_to_train_on_are_searched_one_by_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = build_segment(
        "IVF256,Flat", "cosine", WIDTH, batches(count=100), lambda size: VECTORS[:100][:size]
    )
    assert "too few vectors to train IVF256,Flat" in caplog.text
    first = mask(SLOTS[100:])
    np.testing.assert_array_equal(made.search(QUERIES, 9, first)[1], oracle("cosine", first, 9)[1])


def test_ivf_looks_into_more_than_one_list() -> None:
    made = segment("IVF16,Flat")
    assert faiss.extract_index_ivf(made._index).nprobe == 8


# --- vectors and rows --------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("index_type", ["Flat", "HNSW16"])
def test_an_index_of_whole_vectors_gives_them_back_as_they_were_added(
    tmp_path: Path, index_type: str, metric: Metric
) -> None:
    made = segment(index_type, metric)
    made.write(tmp_path / "segment")
    for one in (made, read_segment(tmp_path / "segment", metric)):
        assert one.vectors is not None
        np.testing.assert_array_equal(one.vectors, VECTORS)
        np.testing.assert_array_equal(one.slots, SLOTS)


@pytest.mark.parametrize("index_type", ["SQ8", "IVF8,Flat", "IVF8,SQ8", "PCA4,Flat", "HNSW16_SQ8"])
def test_an_index_of_coarser_vectors_gives_none(index_type: str) -> None:
    assert segment(index_type).vectors is None


def test_an_empty_index_gives_no_vectors_and_no_rows() -> None:
    made = build_segment("Flat", "cosine", WIDTH, [], lambda _: VECTORS[:0])
    assert made.vectors is None
    assert made.rows_of(np.array([0, 3])).tolist() == [-1, -1]


def test_rows_are_those_of_the_slots_and_minus_one_of_slots_that_are_not_there() -> None:
    made = segment()
    asked = np.array([SIZE + 5, 1, 4, 2, SIZE - 1, 0, SIZE, 10**6])
    assert made.rows_of(asked).tolist() == [-1, 0, 1, -1, COUNT - 1, -1, -1, -1]
    shuffled = RANDOM.permutation(SLOTS)
    np.testing.assert_array_equal(made.slots[made.rows_of(shuffled)], shuffled)
    assert made.rows_of(SLOTS[:0]).tolist() == []


def test_rows_follow_slots_that_were_added_in_any_order() -> None:
    order = RANDOM.permutation(COUNT)
    runs = [(SLOTS[some], VECTORS[some]) for some in np.split(order, 6)]
    made = build_segment("Flat", "cosine", WIDTH, runs, lambda size: VECTORS[:size])
    assert made.vectors is not None
    np.testing.assert_array_equal(made.vectors[made.rows_of(SLOTS)], VECTORS)


# --- masks for one search ----------------------------------------------------------------------


@pytest.mark.parametrize("index_type", ["Flat", "SQ8", "HNSW16", "IVF8,Flat"])
def test_a_mask_for_one_search_leaves_the_kept_one_alone(index_type: str) -> None:
    made, live, once = segment(index_type), mask(SLOTS[:300]), mask(SLOTS[100:])
    before, kept = made.search(QUERIES, 9, live), made._mask
    assert kept is not None
    found = made.search(QUERIES, 9, once, lasting=False)[1]
    assert once[found[found >= 0]].all()
    assert made._mask is kept
    again = made.search(QUERIES, 9, live)
    assert made._mask is kept
    for mine, its in zip(before, again, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_mask_for_one_search_is_read_afresh_each_time() -> None:
    made, once = segment(), mask()
    for hidden in (SLOTS[:300], SLOTS[300:], SLOTS[:0]):
        once[:] = mask(hidden)
        found = made.search(QUERIES, 7, once, lasting=False)[1]
        np.testing.assert_array_equal(found, oracle("cosine", once, 7)[1])
