"""An index that began empty: searched from its first item on, with means once it holds enough."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.creation import create_index
from indexer.generations import ENOUGH
from indexer.local import LocalStore
from models.images import Limits
from service.query import Query
from service.search import Searcher
from tests.fakes import FakeExtractor, manifest
from tests.indexer.batches import random_batch
from tests.indexer.contents import answers, found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    store.view()
    yield store
    store.close()


def add(store: LocalStore, start: int, end: int) -> None:
    keys = [f"{n:03}" for n in range(start, end)]
    store.add(random_batch(store.manifest, keys, seed=start))


def nearest(store: LocalStore, slots: list[int]) -> list[list[int]]:
    """What each of these items finds first, a list an attribute's space."""
    view = store.view()
    return [
        [match.slots[0] for match in view.search(space, view.vectors(space, np.array(slots)), 1)]
        for space in (view.manifest.space_of_attribute(name) for name in ("color", "texture"))
    ]


def test_it_is_searched_from_the_first_item_on_without_a_mean(store: LocalStore) -> None:
    assert found(store.view()) == []
    for number in range(3):
        add(store, number, number + 1)
        assert store.maintain() is False
        assert nearest(store, [*range(number + 1)]) == [[*range(number + 1)]] * 2
        view = store.view()
        assert view.manifest.is_provisional
        assert all(len(view.reference(one)) == number + 1 for one in view.manifest.spaces.values())


def test_it_gets_its_means_when_it_holds_enough_and_says_so(store: LocalStore) -> None:
    add(store, 0, ENOUGH - 1)
    assert store.maintain() is False
    add(store, ENOUGH - 1, ENOUGH)
    assert store.maintain() is True
    view = store.view()
    assert view.manifest.generation is not None
    assert view.manifest.generation.statistics_items == ENOUGH
    assert not view.manifest.is_provisional
    assert all(space.ready for space in view.manifest.spaces.values())
    assert nearest(store, [0, 100, ENOUGH - 1]) == [[0, 100, ENOUGH - 1]] * 2
    assert store.maintain() is False


def test_pages_begun_before_it_had_means_go_on_as_they_began(store: LocalStore) -> None:
    add(store, 0, ENOUGH)
    searcher = Searcher(store, FakeExtractor(), Limits())
    terms = [{"attribute": "color", "image": {"key": "007"}}]
    first = searcher.answer(Query.model_validate({"terms": terms, "limit": 5}), {})
    whole = searcher.answer(Query.model_validate({"terms": terms, "limit": 10}), {})
    old, before = store.view(), answers(store.view())
    assert store.maintain() is True
    assert store.view_of(old.manifest.statistics) is old
    assert answers(old) == before
    second = searcher.answer(Query.model_validate({"cursor": first.next_cursor, "limit": 5}), {})
    assert [hit.key for hit in (*first.hits, *second.hits)] == [hit.key for hit in whole.hits]


def test_rebuilding_it_while_it_is_empty_leaves_it_as_it_is(store: LocalStore) -> None:
    store.rebuild()
    assert store.manifest.generation is None
    add(store, 0, 3)
    assert nearest(store, [0, 1, 2]) == [[0, 1, 2]] * 2


def test_it_can_be_emptied_and_filled_again(store: LocalStore) -> None:
    add(store, 0, 5)
    store.rebuild()
    store.remove([f"{n:03}" for n in range(5)])
    store.rebuild()
    assert found(store.view()) == []
    add(store, 5, 8)
    assert nearest(store, [5, 6, 7]) == [[5, 6, 7]] * 2
