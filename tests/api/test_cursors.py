"""Cursors over REST, and what an operator allows: refused with a problem that names the value."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from indexer.filters import FilterLimits
from indexer.local import LocalStore
from models.errors import shorten
from models.images import Limits
from service.opening import Opened
from service.search import QueryLimits, Searcher
from service.settings import load_settings
from tests.api.refusing import TERM, nested, refused
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures
from tests.serving import serving


def cursor_of(client: httpx.Client, **more: Any) -> str:
    answer = client.post("/v1/search", json={"terms": [TERM], "limit": 3, **more})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["next_cursor"]
    return found


def test_a_cursor_goes_on_alone_or_with_its_query(still_client: httpx.Client) -> None:
    cursor = cursor_of(still_client)
    first = still_client.post("/v1/search", json={"terms": [TERM], "limit": 6}).json()["hits"]
    for query in ({"cursor": cursor, "limit": 3}, {"cursor": cursor, "terms": [TERM], "limit": 3}):
        answer = still_client.post("/v1/search", json=query).json()
        assert [hit["key"] for hit in answer["hits"]] == [hit["key"] for hit in first[3:]]


@pytest.mark.parametrize("damage", ["", "x", "?", "é", "A" * 1_000])
def test_a_text_that_is_no_cursor_is_refused(still_client: httpx.Client, damage: str) -> None:
    answer = still_client.post("/v1/search", json={"cursor": damage})
    refused(
        answer, f"cursor {shorten(damage, 20)!r}", "expected next_cursor of an answer, unchanged"
    )


@pytest.mark.parametrize("at", [0, 5, 40, -30, -1])
def test_a_cursor_that_was_changed_is_refused(still_client: httpx.Client, at: int) -> None:
    whole = cursor_of(still_client)
    data = bytearray(base64.urlsafe_b64decode(whole))
    data[at] ^= 0x55
    answer = still_client.post(
        "/v1/search", json={"cursor": base64.urlsafe_b64encode(bytes(data)).decode()}
    )
    refused(answer, "cursor ", "unchanged")
    refused(still_client.post("/v1/search", json={"cursor": whole[:-8]}), "unchanged")


@pytest.mark.parametrize(
    "changed",
    [
        {"terms": [{**TERM, "attribute": "texture"}]},
        {"terms": [TERM, TERM]},
        {"terms": [{**TERM, "weight": 2}]},
        {"terms": [TERM], "min_score": 0.5},
        {"terms": [TERM], "collapse": "picture"},
        {"terms": [TERM], "filter": {"shows": "red"}},
    ],
)
def test_a_cursor_of_another_query_is_refused(
    still_client: httpx.Client, changed: dict[str, Any]
) -> None:
    answer = still_client.post("/v1/search", json={**changed, "cursor": cursor_of(still_client)})
    refused(answer, "cursor is of another query: send it with the same one, or alone")


# --- what an operator allows -------------------------------------------------------------------

ALLOWED = QueryLimits(5, 2, 1, 10_000, FilterLimits(max_depth=2, max_conditions=3))


@pytest.fixture(scope="module")
def strict_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of another index, on a server that allows less."""
    folder = tmp_path_factory.mktemp("strict")
    write_pictures(folder / "pictures", random_colors(8, seed=3))
    build_fake(folder / "index", folder / "pictures")
    store, limits = LocalStore(folder / "index"), Limits()
    searcher = Searcher(store, FakeExtractor(), limits, ALLOWED)
    with serving(Opened(store, searcher, limits), load_settings()) as client:
        yield client


@pytest.mark.parametrize(
    ("more", "words", "kind"),
    [
        ({"limit": 6}, "limit is 6: expected 1 to 5", "query"),
        ({"limit": 2, "explain": True}, "limit is 2: expected 1 to 1 with explain", "query"),
        ({"terms": [TERM] * 3}, "terms has 3: expected at most 2", "query"),
        ({"filter": nested(3)}, "filter is nested 3 deep: expected at most 2", "filter"),
        ({"filter": {"or": [{"shows": "red"}] * 4}}, "filter has 4 conditions: expected at most 3",
         "filter"),
    ],
)  # fmt: skip
def test_past_what_an_operator_allows_is_refused(
    strict_client: httpx.Client, more: dict[str, Any], words: str, kind: str
) -> None:
    query = {"terms": [TERM], "limit": 5, **more}
    refused(strict_client.post("/v1/search", json=query), words, kind=kind)
    within = {"terms": [TERM] * 2, "limit": 5, "filter": nested(2)}
    assert strict_client.post("/v1/search", json=within).status_code == 200


def test_a_page_past_what_an_operator_allows_is_refused(strict_client: httpx.Client) -> None:
    cursor = cursor_of(strict_client)
    answer = strict_client.post("/v1/search", json={"cursor": cursor, "limit": 6})
    refused(answer, "limit is 6: expected 1 to 5")


def test_a_cursor_of_another_index_is_refused(
    still_client: httpx.Client, strict_client: httpx.Client
) -> None:
    answer = strict_client.post("/v1/search", json={"cursor": cursor_of(still_client), "limit": 1})
    refused(answer, "cursor is of another index: ask again without it")
