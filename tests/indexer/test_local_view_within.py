"""Views narrowed by a filter, by a moment and by what was shown; searches find the rest alone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import local_view
from indexer.errors import FilterError
from indexer.filters import ALL, parse_filter
from indexer.local import LocalStore, open_for_writing
from indexer.spaces import Metric
from models.errors import UnknownNameError
from tests.indexer.batches import random_batch
from tests.indexer.contents import found
from tests.indexer.views import GONE, LIVE, check_nearest, opened, random_queries, spaces

CHEAP = parse_filter('{"column": "price", "lt": 60}')
ODD = parse_filter('{"column": "kind", "eq": "odd"}')
NOTHING = parse_filter('{"column": "price", "gt": 100000}')
IS_ODD = LIVE[(LIVE % 2 == 1) & (LIVE % 3 != 0)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """A Flat index that no test changes."""
    with opened(tmp_path_factory.mktemp("still") / "index") as store:
        yield store


# --- what is in it -----------------------------------------------------------------------------


def test_a_view_counts_what_it_finds_and_knows_the_first_slot_past_it(store: LocalStore) -> None:
    view = store.view()
    assert (view.count, view.end) == (265, 270)
    np.testing.assert_array_equal(view.slots, LIVE)


def test_a_filter_leaves_the_live_items_that_it_lets_pass(store: LocalStore) -> None:
    view = store.view().within(CHEAP)
    np.testing.assert_array_equal(view.slots, LIVE[LIVE < 60])
    assert (view.count, view.end) == (59, 270)
    np.testing.assert_array_equal(store.view().within(ODD).slots, IS_ODD)


def test_before_leaves_the_items_that_there_were(store: LocalStore) -> None:
    np.testing.assert_array_equal(store.view().within(before=100).slots, LIVE[LIVE < 100])
    assert store.view().within(before=0).count == 0


def test_without_leaves_all_but_those_slots(store: LocalStore) -> None:
    shown = np.array([0, 5, 250, 269])
    view = store.view().within(without=shown)
    np.testing.assert_array_equal(view.slots, np.setdiff1d(LIVE, shown))
    # Slots that are gone, or came since the view was taken, are not there anyway.
    view = store.view().within(without=np.array([3, 8, 270, 99_999]))
    np.testing.assert_array_equal(view.slots, np.setdiff1d(LIVE, [8]))


def test_all_of_it_at_once_is_the_same_as_one_after_the_other(store: LocalStore) -> None:
    shown, view = np.array([1, 5, 7]), store.view()
    expected = np.setdiff1d(IS_ODD[(IS_ODD < 60) & (IS_ODD < 50)], shown)
    together = view.within(CHEAP, before=50, without=shown).within(ODD)
    np.testing.assert_array_equal(together.slots, expected)
    apart = view.within(without=shown).within(ODD).within(before=50).within(CHEAP)
    np.testing.assert_array_equal(apart.slots, expected)
    assert together.within(before=1000).count == together.count == len(expected)


def test_what_leaves_everything_is_the_view_itself(store: LocalStore) -> None:
    view = store.view()
    nothing = np.empty(0, np.int64)
    assert view.within() is view
    assert view.within(ALL, before=view.end, without=nothing) is view
    narrow = view.within(CHEAP)
    assert narrow.within(before=10_000) is narrow


def test_narrowing_leaves_the_view_it_began_with_alone(store: LocalStore) -> None:
    view = store.view()
    narrow = view.within(CHEAP)
    narrow.within(before=5, without=np.array([1, 2]))
    assert view.selected is None
    np.testing.assert_array_equal(np.flatnonzero(view.snapshot.live), LIVE)
    np.testing.assert_array_equal(np.flatnonzero(narrow.mask), LIVE[LIVE < 60])
    assert found(view) == LIVE.tolist()


def test_a_filter_that_does_not_fit_is_named(store: LocalStore) -> None:
    with pytest.raises(UnknownNameError, match="unknown metadata column 'prize': expected one of"):
        store.view().within(parse_filter('{"column": "prize", "eq": 1}'))
    with pytest.raises(FilterError, match=r"filter\.eq is 'x', but column 'price' is integer"):
        store.view().within(parse_filter('{"column": "price", "eq": "x"}'))


def test_a_filter_finds_nothing_that_came_after_the_view_was_taken(tmp_path: Path) -> None:
    with opened(tmp_path / "index") as store:
        view = store.view()
        with open_for_writing(tmp_path / "index") as writer:
            writer.add(random_batch(writer.manifest, ["late"]))
        missing = parse_filter('{"column": "price", "exists": false}')
        assert store.view(newest=True).within(missing).slots.tolist() == [270]
        assert view.within(missing).slots.tolist() == []
        np.testing.assert_array_equal(view.within(CHEAP).slots, LIVE[LIVE < 60])


# --- what it finds -----------------------------------------------------------------------------

NARROW = {"cheap": LIVE[LIVE < 60], "odd": IS_ODD, "few": np.array([60, 100, 245])}


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("index_type", ["Flat", "HNSW8", "IVF4,SQ8"])
def test_a_search_among_few_items_is_exact_in_every_space_and_index(
    tmp_path: Path, index_type: str, metric: Metric
) -> None:
    with opened(tmp_path / "index", index_type=index_type, metric=metric) as store:
        for expected in NARROW.values():
            view = store.view().within(without=np.setdiff1d(LIVE, expected))
            assert view.count == len(expected)
            for space in spaces(store):
                queries = random_queries(store, space)
                for k in (1, 10, 1000):
                    check_nearest(store, space, queries, k, expected, view)


@pytest.mark.parametrize("index_type", ["HNSW8", "IVF4,SQ8"])
def test_a_search_of_an_approximate_index_says_that_it_may_miss_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index_type: str
) -> None:
    monkeypatch.setattr(local_view, "SCANNED", 58)
    with opened(tmp_path / "index", index_type=index_type) as store:
        whole = store.view()
        for view, few in (
            (whole, False),
            (whole.within(CHEAP), False),
            (whole.within(CHEAP, without=np.array([8])), True),
        ):
            for space in spaces(store):
                indexed = space.name in store.manifest.indexed_spaces
                for match in view.search(space, random_queries(store, space), 30):
                    assert match.exact is (few or not indexed)
                    assert len(match.slots)
                    assert view.mask[match.slots].all()
                    assert (np.diff(match.similarities) <= 0).all()


def test_where_nothing_is_left_nothing_is_found(tmp_path: Path) -> None:
    for index_type in ("Flat", "HNSW8", "IVF4,SQ8"):
        with opened(tmp_path / index_type, index_type=index_type) as store:
            view = store.view().within(NOTHING)
            assert (view.count, view.slots.tolist()) == (0, [])
            for space in spaces(store):
                matches = view.search(space, random_queries(store, space), 5)
                assert [len(match.slots) for match in matches] == [0, 0, 0]


def test_deleted_items_are_not_found_however_they_are_asked_for(store: LocalStore) -> None:
    gone = parse_filter(f'{{"column": "price", "in": {list(GONE)}}}')
    assert store.view().within(gone).count == 0
    everything = parse_filter(f'{{"not": {{"column": "price", "in": {[1, *GONE]}}}}}')
    assert found(store.view().within(everything)) == np.setdiff1d(LIVE, [1]).tolist()
