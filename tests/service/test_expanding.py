"""A query that is moved toward its nearest items, against the formula in plain words."""

from pathlib import Path

import numpy as np
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.errors import QueryError
from service.expanding import expanded
from service.opening import Opened
from service.query import Query
from service.search import Searcher
from tests.fakes import FakeExtractor, build_fake, manifest

NONE = np.empty(0, np.int64)


def ask(opened: Opened, limit: int = 20, **term: object) -> list[tuple[str, float]]:
    term = {"attribute": "texture", "image": {"key": "007.png"}, **term}
    query = Query.model_validate({"terms": [term], "limit": limit})
    hits = opened.searcher.answer(query, {}).hits
    return [(hit.key, hit.terms[0].similarity) for hit in hits]


@pytest.mark.parametrize("count", [1, 3, 19])
def test_answers_are_those_of_the_moved_query(opened: Opened, count: int) -> None:
    view = opened.store.view()
    space = view.manifest.space_of_attribute("texture")
    item = opened.store.item("007.png")
    assert item is not None
    every = view.vectors(space, np.arange(20))
    alike = every @ every[item.slot]
    others = [at for at in np.argsort(-alike) if at != item.slot][:count]
    moved = every[item.slot] + sum(max(alike[at], 0) * every[at] for at in others)
    moved /= np.linalg.norm(moved)
    own = np.array([item.slot])
    found = expanded(view, space, every[item.slot], count, own)
    np.testing.assert_allclose(found, moved, atol=1e-5)
    hits = ask(opened, expand=count)
    np.testing.assert_allclose(
        [similarity for _, similarity in hits], np.sort(every @ moved)[::-1], atol=1e-4
    )


def test_nothing_is_moved_unless_it_is_asked_for(opened: Opened) -> None:
    assert ask(opened) == ask(opened, expand=0)
    assert ask(opened) != ask(opened, expand=5)
    assert ask(opened)[0] == ("007.png", pytest.approx(1, abs=1e-6))


def test_picture_from_elsewhere_has_no_slot_of_its_own(opened: Opened) -> None:
    view = opened.store.view()
    space = view.manifest.space_of_attribute("texture")
    vector = view.vectors(space, np.array([3]))[0]
    # The nearest is that item itself, as alike as can be.
    np.testing.assert_allclose(expanded(view, space, vector, 1, NONE), vector, atol=1e-5)


def test_next_page_goes_on_with_the_moved_query(opened: Opened) -> None:
    term = {"attribute": "texture", "image": {"key": "007.png"}, "expand": 4}
    whole = [key for key, _ in ask(opened, expand=4)]
    first = opened.searcher.answer(Query.model_validate({"terms": [term], "limit": 5}), {})
    after = Query.model_validate({"terms": [term], "cursor": first.next_cursor, "limit": 15})
    rest = opened.searcher.answer(after, {})
    assert [hit.key for hit in (*first.hits, *rest.hits)] == whole


def test_term_that_pushes_away_cannot_be_expanded(opened: Opened) -> None:
    terms = [
        {"attribute": "color", "image": {"key": "007.png"}},
        {"attribute": "texture", "image": {"key": "007.png"}, "weight": -0.5, "expand": 3},
    ]
    with pytest.raises(QueryError, match=r"terms\[1\]\.expand is 3, but the term pushes away"):
        opened.searcher.answer(Query.model_validate({"terms": terms}), {})


def test_index_by_distances_takes_no_expansion(tmp_path: Path, pictures: Path) -> None:
    build_fake(tmp_path / "index", pictures, made=manifest(metric="l2"))
    store = LocalStore(tmp_path / "index")
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with pytest.raises(QueryError, match="block4-gap is searched by distances"):
        ask(opened, expand=2)
    opened.close()


@pytest.mark.parametrize("count", [-1, 51])
def test_number_out_of_range_is_refused(count: int) -> None:
    term = {"attribute": "texture", "image": {"key": "007.png"}, "expand": count}
    with pytest.raises(ValueError, match="expand"):
        Query.model_validate({"terms": [term]})
