"""Pages: together they are the long answer, whatever happens to the catalog between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.build import BuildOptions
from indexer.filters import parse_filter
from indexer.local import LocalStore
from models.errors import BlockError, UnknownNameError
from models.images import Limits
from service.answer import Answer, Hit
from service.cursors import CursorError, decode_cursor
from service.errors import QueryError
from service.query import Query, Subject
from service.search import QueryLimits, Searcher
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures

COLOR = {"attribute": "color", "image": {"key": "007.png"}}
TEXTURE = {"attribute": "texture", "weight": 0.5, "image": {"key": "003.png"}}
AWAY = {"block": 2, "weight": -0.3, "image": {"key": "001.png"}}


@dataclass
class Catalog:
    """An index of pictures that come and go, and a server of it."""

    index: Path
    pictures: Path
    store: LocalStore
    extractor: FakeExtractor

    def ask(self, query: dict[str, Any], limits: QueryLimits | None = None) -> Answer:
        searcher = Searcher(self.store, self.extractor, Limits(), limits)
        return searcher.answer(Query.model_validate(query), {})

    def rebuild(self) -> None:
        build_fake(self.index, self.pictures, options=BuildOptions(prune=True))
        self.store.view(newest=True)

    def pages(
        self, query: dict[str, Any], limit: int, between: Callable[[int], None] = lambda page: None
    ) -> list[Hit]:
        """Return the hits of all pages; ``between`` is called with how many there were so far."""
        answer = self.ask({**query, "limit": limit})
        hits, count = list(answer.hits), 1
        while answer.next_cursor:
            between(count)
            answer = self.ask({"cursor": answer.next_cursor, "limit": limit})
            hits, count = hits + answer.hits, count + 1
        return hits


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    pictures, index = tmp_path / "many", tmp_path / "index of many"
    write_pictures(pictures, random_colors(40, seed=1))
    build_fake(index, pictures)
    store = LocalStore(index)
    yield Catalog(index, pictures, store, FakeExtractor())
    store.close()


def keys(hits: list[Hit]) -> list[str]:
    return [hit.key for hit in hits]


QUERIES = {
    "one term": {"terms": [COLOR]},
    "several": {"terms": [COLOR, TEXTURE, AWAY]},
    "a block": {"terms": [{"block": 3, "image": {"key": "007.png"}}]},
    "a filter": {"terms": [COLOR, TEXTURE], "filter": {"not": {"shows": "green"}}},
    "a least score": {"terms": [COLOR], "min_score": 0.4},
    "several and a least score": {"terms": [COLOR, TEXTURE], "min_score": 0.3},
    "folded": {"terms": [COLOR, TEXTURE], "collapse": "picture"},
}


@pytest.mark.parametrize("name", QUERIES)
def test_pages_together_are_the_long_answer(catalog: Catalog, name: str) -> None:
    long = catalog.ask({**QUERIES[name], "limit": 40})
    assert long.next_cursor is None
    assert len(long.hits) > 7
    for limit in (1, 3, 7, len(long.hits)):
        hits = catalog.pages(QUERIES[name], limit)
        assert keys(hits) == keys(long.hits)
        np.testing.assert_allclose([h.score for h in hits], [h.score for h in long.hits], atol=1e-6)


@pytest.mark.parametrize(("limit", "pages"), [(39, 2), (40, 1), (41, 1)])
def test_last_page_leads_no_further(catalog: Catalog, limit: int, pages: int) -> None:
    seen = [1]
    catalog.pages(QUERIES["one term"], limit, seen.append)
    assert len(seen) == pages


def test_pages_may_differ_in_length(catalog: Catalog) -> None:
    long = keys(catalog.ask({**QUERIES["several"], "limit": 12}).hits)
    first = catalog.ask({**QUERIES["several"], "limit": 2})
    second = catalog.ask({"cursor": first.next_cursor, "limit": 9})
    third = catalog.ask({"cursor": second.next_cursor, "limit": 1})
    assert keys(first.hits + second.hits + third.hits) == long


def test_same_cursor_gives_the_same_page_again(catalog: Catalog) -> None:
    cursor = catalog.ask({**QUERIES["several"], "limit": 5}).next_cursor
    once, again = (catalog.ask({"cursor": cursor, "limit": 5}) for _ in range(2))
    assert once.hits == again.hits
    assert once.next_cursor == again.next_cursor


def test_next_page_never_runs_the_network(catalog: Catalog, tmp_path: Path) -> None:
    searcher = Searcher(catalog.store, catalog.extractor, Limits())
    query = {"terms": [{"attribute": "color", "image": {"part": "a"}}], "limit": 5}
    data = (catalog.pictures / "007.png").read_bytes()
    cursor = searcher.answer(Query.model_validate(query), {"a": data}).next_cursor
    assert catalog.extractor.pictures == 1
    assert len(catalog.ask({"cursor": cursor, "limit": 5}).hits) == 5
    assert catalog.extractor.pictures == 1


def test_cursor_may_come_with_its_query_but_with_no_other(catalog: Catalog) -> None:
    query = {**QUERIES["several"], "limit": 5}
    cursor = catalog.ask(query).next_cursor
    alone = catalog.ask({"cursor": cursor, "limit": 5})
    assert catalog.ask({**query, "cursor": cursor}).hits == alone.hits
    for other in ({**query, "min_score": 0.1}, {**query, "terms": [COLOR]}):
        with pytest.raises(CursorError, match="of another query: send it with the same one, or a"):
            catalog.ask({**other, "cursor": cursor})


def test_paging_ends_at_the_depth_there_is(catalog: Catalog) -> None:
    limits = QueryLimits(depth=10)
    first = catalog.ask({**QUERIES["several"], "limit": 5}, limits)
    second = catalog.ask({"cursor": first.next_cursor, "limit": 5}, limits)
    assert len(second.hits) == 5
    assert second.next_cursor is None


# --- the catalog changes ----------------------------------------------------------------------


def repaint(path: Path, color: tuple[int, int, int] = (10, 200, 30)) -> None:
    Image.new("RGB", (16, 16), color).save(path)


@pytest.mark.parametrize("name", QUERIES)
def test_added_replaced_and_deleted_items_leave_the_other_pages_as_they_were(
    catalog: Catalog, name: str
) -> None:
    query = QUERIES[name]
    answer = catalog.ask({**query, "limit": 40})
    long, added = keys(answer.hits), "added.png"
    # What was folded into an item that is gone would stand for itself.
    others = [one.key for one in answer.hits[4:] if not one.duplicates and one.key != "007.png"]
    replaced, deleted = others[:2]

    def change(page: int) -> None:
        if page == 1:
            repaint(catalog.pictures / replaced)
            (catalog.pictures / deleted).unlink()
            # As near to what is asked for as can be.
            data = (catalog.pictures / "007.png").read_bytes()
            (catalog.pictures / added).write_bytes(data + b" ")
            catalog.rebuild()

    found = keys(catalog.pages(query, 4, change))
    assert found == [key for key in long if key not in (replaced, deleted)]
    if name == "one term":
        assert added in keys(catalog.ask({**query, "limit": 40}).hits), "an answer of now has it"


@pytest.mark.parametrize("name", QUERIES)
def test_means_taken_anew_leave_the_other_pages_as_they_were(catalog: Catalog, name: str) -> None:
    query = QUERIES[name]
    long = catalog.ask({**query, "limit": 40})
    before = catalog.store.manifest.statistics

    def grow(page: int) -> None:
        if page == 1:
            colors = random_colors(30, seed=2)
            write_pictures(catalog.pictures, {f"new-{key}": rgb for key, rgb in colors.items()})
            catalog.rebuild()
            assert catalog.store.manifest.statistics != before

    hits = catalog.pages(query, 4, grow)
    assert keys(hits) == keys(long.hits)
    np.testing.assert_allclose([h.score for h in hits], [h.score for h in long.hits], atol=1e-6)


def test_items_that_came_in_the_same_build_as_new_means_are_searched_from_the_first_page_on(
    catalog: Catalog,
) -> None:
    cursor = catalog.ask({**QUERIES["one term"], "limit": 4}).next_cursor
    write_pictures(catalog.pictures, {f"new-{k}": v for k, v in random_colors(30, seed=2).items()})
    catalog.rebuild()
    assert len(catalog.pages(QUERIES["one term"], 9)) == 70
    assert not [k for k in keys(catalog.ask({"cursor": cursor, "limit": 40}).hits) if "new" in k]


def test_another_server_of_the_same_index_goes_on(catalog: Catalog) -> None:
    query = QUERIES["several"]
    long = keys(catalog.ask({**query, "limit": 8}).hits)
    first = catalog.ask({**query, "limit": 4})
    other = LocalStore(catalog.index)
    second = Catalog(catalog.index, catalog.pictures, other, FakeExtractor()).ask(
        {"cursor": first.next_cursor, "limit": 4}
    )
    other.close()
    assert keys(first.hits + second.hits) == long


def test_server_that_never_had_the_old_means_says_that_the_cursor_is_too_old(
    catalog: Catalog,
) -> None:
    cursor = catalog.ask({**QUERIES["several"], "limit": 4}).next_cursor
    write_pictures(catalog.pictures, {f"new-{k}": v for k, v in random_colors(30, seed=2).items()})
    catalog.rebuild()
    other = LocalStore(catalog.index)
    server = Catalog(catalog.index, catalog.pictures, other, FakeExtractor())
    with pytest.raises(CursorError, match="too old: the index has changed so much"):
        server.ask({"cursor": cursor, "limit": 4})
    other.close()


def test_cursor_of_another_index_is_refused(catalog: Catalog, fake_index: Path) -> None:
    cursor = catalog.ask({**QUERIES["several"], "limit": 4}).next_cursor
    other = LocalStore(fake_index)
    server = Catalog(fake_index, catalog.pictures, other, FakeExtractor())
    with pytest.raises(CursorError, match="of another index"):
        server.ask({"cursor": cursor, "limit": 4})
    other.close()


def test_cursor_whose_vectors_have_another_width_is_refused(catalog: Catalog) -> None:
    text = catalog.ask({**QUERIES["one term"], "limit": 4}).next_cursor
    cursor = decode_cursor(text or "", catalog.store.manifest)
    wide = replace(cursor, vectors=(np.ones(7, np.float32),)).encode()
    with pytest.raises(CursorError, match="cursor has 7 numbers for color, not 14"):
        catalog.ask({"cursor": wide})


def test_cursor_of_what_is_no_longer_there_is_refused(catalog: Catalog) -> None:
    text = catalog.ask({**QUERIES["one term"], "limit": 4}).next_cursor
    cursor = decode_cursor(text or "", catalog.store.manifest)
    for subject in (Subject("shape"), Subject(block=5), Subject()):
        with pytest.raises((UnknownNameError, BlockError, QueryError), match=r"shape|block"):
            catalog.ask({"cursor": replace(cursor, subjects=(subject,)).encode()})
    gone = replace(cursor, filter=parse_filter('{"column": "gone", "eq": 1}')).encode()
    with pytest.raises(UnknownNameError, match="'gone'"):
        catalog.ask({"cursor": gone})
