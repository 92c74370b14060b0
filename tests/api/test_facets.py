"""Facets over REST: what is counted, and what is wrong in asking."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.build import BuildOptions
from models.images import Limits
from service.settings import Settings
from tests.api.conftest import open_fake
from tests.fakes import build_fake
from tests.serving import serving


@pytest.fixture
def shop(tmp_path: Path, pictures: Path, settings: Settings) -> Iterator[httpx.Client]:
    """A client of a server of twenty pictures with a color and a price."""
    rows = [f"{at:03}.png,{('red', 'blue')[at % 2]},{at}" for at in range(20)]
    (pictures / "t.csv").write_text("path,color,price\n" + "\n".join(rows))
    options = BuildOptions(indexed_columns=("color",))
    build_fake(tmp_path / "shop", pictures / "t.csv", options=options)
    with serving(open_fake(tmp_path / "shop", Limits()), settings) as client:
        yield client


def asked(client: httpx.Client, status: int = 200, **params: object) -> dict[str, object]:
    answer = client.get("/v1/facets", params=params)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_columns_kept_in_memory_are_counted_unless_others_are_named(shop: httpx.Client) -> None:
    found = asked(shop)
    assert found["count"] == 20
    assert found["columns"] == [
        {
            "column": "color",
            "type": "text",
            "values": [{"value": "blue", "count": 10}, {"value": "red", "count": 10}],
            "others": 0,
            "missing": 0,
            "min": None,
            "max": None,
        }
    ]
    colors = found["colors"]
    assert isinstance(colors, list)
    assert set(colors[0]) == {"name", "hex", "count"}


def test_filter_columns_and_limit_are_heeded(shop: httpx.Client) -> None:
    filter = {"and": [{"column": "color", "eq": "red"}, {"column": "price", "gte": 7.0}]}
    found = asked(shop, filter=json.dumps(filter), column=["price", "color"], limit=1)
    assert found["count"] == 6
    price, color = found["columns"]  # type: ignore[misc]
    assert (price["values"], price["others"]) == ([{"value": 8, "count": 1}], 5)
    assert (price["type"], price["min"], price["max"]) == ("integer", 8, 18)
    assert color["values"] == [{"value": "red", "count": 6}]


@pytest.mark.parametrize(
    ("params", "kind", "words"),
    [
        ({"column": "size"}, "urn:hueweave:unknown-name", "expected one of color, price"),
        ({"filter": '{"column": "size", "eq": 1}'}, "urn:hueweave:unknown-name", "'size'"),
        ({"filter": '{"column": "price", "eq": "x"}'}, "urn:hueweave:filter", "filter.eq is 'x'"),
        ({"filter": '{"or": []}'}, "urn:hueweave:filter", "filter.or: expected at least one"),
        ({"filter": "red"}, "urn:hueweave:filter", "filter 'red' is not JSON"),
        ({"filter": '{"not":' * 100 + "{}" + "}" * 100}, "urn:hueweave:filter",
         "filter is nested 100 deep: expected at most 16"),
        ({"limit": 0}, "about:blank", "limit: Input should be greater than or equal to 1"),
        ({"limit": 1001}, "about:blank", "limit: Input should be less than or equal to 1000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_problem_that_says_so(
    shop: httpx.Client, params: dict[str, object], kind: str, words: str
) -> None:
    found = asked(shop, 422, **params)
    assert found["type"] == kind
    assert words in str(found["detail"])


def test_index_without_columns_counts_items_and_colors(still_client: httpx.Client) -> None:
    found = asked(still_client, filter="{}")
    assert (found["count"], found["columns"]) == (20, [])
    shown = {one["name"] for one in found["colors"]}  # type: ignore[attr-defined]
    for name in shown:
        counted = asked(still_client, filter=json.dumps({"shows": name}))["count"]
        assert counted > 0  # type: ignore[operator]
