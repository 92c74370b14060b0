"""Long lists of candidates: an approximate index looks further than for a few."""

import faiss
import numpy as np
import pytest

from indexer import effort
from indexer.effort import search_parameters
from indexer.segment_making import build_segment
from indexer.segments import Segment
from indexer.spaces import unit

WIDTH = 8
QUERIES = unit(np.random.default_rng(2).standard_normal((5, WIDTH)).astype(np.float32))


def many(index_type: str) -> tuple[Segment, np.ndarray]:
    """4,000 vectors under slots 0, 1, … and what an exact search finds, nearest first."""
    random = np.random.default_rng(7)
    vectors = unit(random.standard_normal((4000, WIDTH)).astype(np.float32))
    made = build_segment(
        index_type, "cosine", WIDTH, [(np.arange(4000), vectors)], lambda size: vectors[:size]
    )
    return made, np.argsort(-(QUERIES @ vectors.T), axis=1, kind="stable")


def share(found: np.ndarray, expected: np.ndarray) -> float:
    """How much of each row of ``expected`` was found, on average."""
    pairs = zip(found.tolist(), expected.tolist(), strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))


@pytest.mark.parametrize("index_type", ["HNSW8", "IVF64,Flat"])
@pytest.mark.parametrize("narrow", [False, True])
def test_a_long_list_of_candidates_has_hardly_a_gap(index_type: str, narrow: bool) -> None:
    made, expected = many(index_type)
    live = np.ones(4000, np.bool_)
    if narrow:
        live[::2] = False
        expected = np.stack([row[live[row]] for row in expected])
    for k in (1000, 2000):
        found = made.search(QUERIES, k, live, lasting=not narrow)[1]
        assert share(found, expected[:, :k]) > 0.99


def test_ivf_reads_more_lists_for_a_long_list_and_never_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _ = many("IVF64,Flat")
    index = made._index
    assert faiss.extract_index_ivf(index).nprobe == 8
    # 62.5 vectors a list, and 2 of them a candidate: k = 1,000 asks for 32 lists.
    monkeypatch.setattr(effort, "_VECTORS_PER_CANDIDATE", 2)
    asked = [search_parameters(index, None, k).nprobe for k in (1, 999, 1000, 1250, 4000)]
    assert asked == [8, 8, 32, 40, 64]
    faiss.extract_index_ivf(index).nprobe = 60
    assert [search_parameters(index, None, k).nprobe for k in (1, 1000, 4000)] == [60, 60, 64]


def test_hnsw_keeps_its_effort_for_a_short_list_and_doubles_a_long_one() -> None:
    made, _ = many("HNSW8")
    index = faiss.downcast_index(made._index)
    index.hnsw.efSearch = 77
    asked = [search_parameters(index, None, k).efSearch for k in (1, 999, 1000, 4000)]
    assert asked == [77, 77, 2000, 4000]
