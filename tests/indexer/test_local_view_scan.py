"""A view's scan: the similarity of every item, exact, or nothing at all if they are too many."""

from pathlib import Path

import numpy as np
import pytest

from indexer import local_view
from indexer.creation import create_index
from indexer.filters import parse_filter
from indexer.local import LocalStore
from indexer.spaces import Metric
from tests.fakes import manifest
from tests.indexer.views import (
    LIVE,
    opened,
    random_queries,
    similarities_by_hand,
    spaces,
)

TYPES = ["Flat", "HNSW8", "IVF4,SQ8"]
CHEAP = parse_filter('{"column": "price", "lt": 60}')


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("index_type", TYPES)
@pytest.mark.parametrize("narrow", [False, True])
def test_a_scan_equals_brute_force_in_all_spaces_at_once(
    tmp_path: Path, index_type: str, metric: Metric, narrow: bool
) -> None:
    with opened(tmp_path / "index", index_type=index_type, metric=metric) as store:
        view = store.view().within(CHEAP) if narrow else store.view()
        expected = LIVE[LIVE < 60] if narrow else LIVE
        terms = [(space, random_queries(store, space)[at % 3]) for at, space in
                 enumerate(spaces(store))]  # fmt: skip
        scan = view.scan(terms)
        assert scan is not None
        np.testing.assert_array_equal(scan.slots, expected)
        assert len(scan.similarities) == len(terms)
        for (space, query), found in zip(terms, scan.similarities, strict=True):
            assert found.dtype == np.float32
            by_hand = similarities_by_hand(store, space, query, expected)
            np.testing.assert_allclose(found, by_hand, atol=1e-3, err_msg=space.name)


def test_a_scan_and_a_search_agree_to_the_last_bit_on_the_order(tmp_path: Path) -> None:
    with opened(tmp_path / "index") as store:
        view = store.view()
        for space in spaces(store):
            query = random_queries(store, space)[0]
            scan, (match,) = view.scan([(space, query)]), view.search(space, query[None], 1000)
            assert scan is not None
            order = np.argsort(-scan.similarities[0], kind="stable")
            np.testing.assert_array_equal(scan.slots[order], match.slots)


@pytest.mark.parametrize("index_type", TYPES)
def test_many_items_of_an_approximate_index_are_not_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index_type: str
) -> None:
    monkeypatch.setattr(local_view, "SCANNED", 59)
    with opened(tmp_path / "index", index_type=index_type) as store:
        terms = [(space, random_queries(store, space)[0]) for space in spaces(store)]
        assert (store.view().scan(terms) is None) is (index_type != "Flat")
        assert store.view().within(CHEAP).scan(terms) is not None  # 59 of them
        monkeypatch.setattr(local_view, "SCANNED", 58)
        assert (store.view().within(CHEAP).scan(terms) is None) is (index_type != "Flat")


def test_a_scan_of_nothing_is_empty(tmp_path: Path) -> None:
    with opened(tmp_path / "index", index_type="IVF4,SQ8") as store:
        terms = [(space, random_queries(store, space)[0]) for space in spaces(store)]
        for view in (store.view().within(before=0), store.view()):
            scan = view.scan(terms)
            assert scan is not None
            assert [len(one) for one in scan.similarities] == [view.count] * len(terms)


def test_an_empty_index_is_scanned_too(tmp_path: Path) -> None:
    create_index(tmp_path / "index", manifest(preset="paper"))
    store = LocalStore(tmp_path / "index")
    terms = [(one, np.zeros(store.manifest.dimension(one), np.float32)) for one in spaces(store)]
    scan = store.view().scan(terms)
    assert scan is not None
    assert (scan.slots.tolist(), [len(one) for one in scan.similarities]) == ([], [0] * len(terms))
    assert (store.view().count, store.view().end) == (0, 0)
    store.close()


@pytest.mark.parametrize("index_type", TYPES)
def test_vectors_are_exact_and_in_the_order_asked_for(tmp_path: Path, index_type: str) -> None:
    with opened(tmp_path / "index", index_type=index_type) as store:
        slots = np.array([250, 7, 100, 7])
        for space in spaces(store):
            expected = space.transform(store.pools(slots, space.pools))
            np.testing.assert_allclose(store.view().vectors(space, slots), expected, atol=1e-6)
            # A view that is narrowed still knows the others.
            found = store.view().within(before=1).vectors(space, slots)
            np.testing.assert_allclose(found, expected, atol=1e-6)
            empty = store.view().vectors(space, slots[:0])
            assert empty.shape == (0, store.manifest.dimension(space))
