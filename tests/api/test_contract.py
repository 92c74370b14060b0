"""Every answer against the OpenAPI document that promises it."""

import asyncio
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from api.app import create_app
from service.bulk import LINES
from service.opening import Opened
from service.settings import Settings

PROBLEM = "application/problem+json"
QUERY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}], "limit": 2}
FEEDBACK = {
    "pairs": [{"attribute": "color", "query": {"key": "003.png"}, "hit": "005.png", "same": True}]
}
NO_BOUNDARY = {"content": b"x", "headers": {"content-type": "multipart/form-data"}}
LARGE = {"content": bytes(2_000_000), "headers": {"content-type": "application/json"}}
TOO_LARGE_PICTURE = {"files": {"image": bytes(250_000)}, "data": {"attribute": "color"}}

Document = dict[str, Any]


def check(document: Document, method: str, route: str, answer: httpx.Response) -> None:
    """Check an answer against what the document says of its route and status."""
    responses = document["paths"][route][method]["responses"]
    assert str(answer.status_code) in responses, f"{answer.status_code} is not documented"
    content = responses[str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    (found,) = [one for one in content if fnmatch(kind, one)]
    if kind.endswith("json") and kind != LINES:
        schema = {**content[found]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json())


def by_name(path: str, name: str) -> str:
    """Return a path of the default index as one of the index called ``name``."""
    return path.replace("/v1/", f"/v1/indexes/{name}/", 1)


@pytest.fixture
def document(still_client: httpx.Client) -> Document:
    found: Document = still_client.get("/openapi.json").json()
    return found


def test_every_route_answers_as_the_document_says(
    still_client: httpx.Client, document: Document, still_pictures: Path
) -> None:
    picture = {"image": (still_pictures / "003.png").read_bytes()}
    calls: list[tuple[str, str, str, dict[str, Any], int]] = [
        ("get", "/healthz", "/healthz", {}, 200),
        ("get", "/readyz", "/readyz", {}, 200),
        ("get", "/metrics", "/metrics", {}, 200),
        ("get", "/v1/index", "/v1/index", {}, 200),
        ("post", "/v1/index/reload", "/v1/index/reload", {}, 200),
        ("get", "/v1/attributes", "/v1/attributes", {}, 200),
        ("get", "/v1/facets", "/v1/facets", {}, 200),
        ("get", "/v1/facets", "/v1/facets?filter=red", {}, 422),
        ("get", "/v1/facets", "/v1/facets?limit=0", {}, 422),
        ("get", "/v1/items", "/v1/items?limit=3", {}, 200),
        ("get", "/v1/items", "/v1/items?limit=0", {}, 422),
        ("get", "/v1/items", "/v1/items?limit=many", {}, 422),
        ("post", "/v1/search", "/v1/search", {"json": QUERY}, 200),
        ("post", "/v1/search", "/v1/search", {"json": {}}, 422),
        ("post", "/v1/search", "/v1/search", {"json": {**QUERY, "explain": True}}, 200),
        ("post", "/v1/search", "/v1/search", {"json": {**QUERY, "collapse": "picture"}}, 200),
        ("post", "/v1/search", "/v1/search", {"json": {**QUERY, "collapse": "foo"}}, 422),
        ("post", "/v1/search", "/v1/search", {"content": b"x"}, 422),
        ("post", "/v1/search", "/v1/search", NO_BOUNDARY, 400),
        ("post", "/v1/search", "/v1/search", LARGE, 413),
        ("post", "/v1/search/image", "/v1/search/image",
         {"files": picture, "data": {"block": "2"}}, 200),
        ("post", "/v1/search/image", "/v1/search/image", {"files": picture}, 422),
        ("post", "/v1/search/image", "/v1/search/image", {"json": QUERY}, 422),
        ("post", "/v1/search/image", "/v1/search/image", NO_BOUNDARY, 400),
        ("post", "/v1/search/image", "/v1/search/image", TOO_LARGE_PICTURE, 413),
        ("post", "/v1/explain", "/v1/explain", {"json": {"query": QUERY, "key": "005.png"}}, 200),
        ("post", "/v1/explain", "/v1/explain", {"json": {"query": QUERY, "key": "none"}}, 404),
        ("post", "/v1/explain", "/v1/explain", {"json": QUERY}, 422),
        ("post", "/v1/explain", "/v1/explain", NO_BOUNDARY, 400),
        ("post", "/v1/explain", "/v1/explain", LARGE, 413),
        ("post", "/v1/palette", "/v1/palette", {"files": picture}, 200),
        ("post", "/v1/palette", "/v1/palette", {"files": picture, "data": {"colors": "9"}}, 422),
        ("post", "/v1/palette", "/v1/palette", NO_BOUNDARY, 400),
        ("post", "/v1/palette", "/v1/palette", {"files": {"image": bytes(250_000)}}, 413),
    ]  # fmt: skip
    item, no_picture = "/v1/items/{key}", {"files": {"image": b"no picture"}}
    seen, lines = {"headers": {"if-match": "*"}}, {"headers": {"content-type": LINES}}
    calls += [
        ("put", item, "/v1/items/new", no_picture, 422),
        ("put", item, "/v1/items/new", {**no_picture, **seen}, 412),
        ("put", item, "/v1/items/new", {"json": {}}, 415),
        ("put", item, "/v1/items/new", NO_BOUNDARY, 400),
        ("put", item, "/v1/items/new", {"files": {"image": bytes(250_000)}}, 413),
        ("patch", item, "/v1/items/none", {"json": {}}, 404),
        ("patch", item, "/v1/items/none", {"content": b"x"}, 415),
        ("patch", item, "/v1/items/none", {"json": []}, 422),
        ("patch", item, "/v1/items/003.png", {"json": {}}, 200),
        ("delete", item, "/v1/items/none", {}, 404),
        ("delete", item, "/v1/items/003.png", {"headers": {"if-match": "x"}}, 412),
        ("post", "/v1/feedback", "/v1/feedback", {"json": FEEDBACK}, 200),
        ("post", "/v1/feedback", "/v1/feedback", {"json": {"pairs": []}}, 422),
        ("post", "/v1/feedback", "/v1/feedback", NO_BOUNDARY, 400),
        ("post", "/v1/feedback", "/v1/feedback", LARGE, 413),
        ("get", "/v1/feedback", "/v1/feedback?attribute=color", {}, 200),
        ("get", "/v1/feedback", "/v1/feedback?limit=0", {}, 422),
        ("delete", "/v1/feedback/{id}", "/v1/feedback/99", {}, 404),
        ("delete", "/v1/feedback/{id}", "/v1/feedback/first", {}, 422),
        ("post", "/v1/bulk", "/v1/bulk", {"content": b"x", **lines}, 200),
        ("post", "/v1/bulk", "/v1/bulk", {"content": b"x"}, 415),
    ]
    for kind in ("items", "images", "thumbnails"):
        route = f"/v1/{kind}/{{key}}"
        calls.append(("get", route, f"/v1/{kind}/003.png", {}, 200))
        calls.append(("get", route, f"/v1/{kind}/none", {}, 404))
    calls += [
        (method, by_name(route, "{name}"), by_name(url, "default"), sent, status)
        for method, route, url, sent, status in calls
        if route.startswith("/v1/")
    ]
    put = {"json": {"index": "default"}}
    calls += [
        ("get", "/v1/indexes", "/v1/indexes", {}, 200),
        ("get", "/v1/indexes/{name}/index", "/v1/indexes/none/index", {}, 404),
        ("put", "/v1/indexes/{name}", "/v1/indexes/new", {}, 409),
        ("put", "/v1/indexes/{name}", "/v1/indexes/new", {"json": {"metric": "l3"}}, 422),
        ("put", "/v1/aliases/{alias}", "/v1/aliases/shop", put, 409),
        ("put", "/v1/aliases/{alias}", "/v1/aliases/shop", {"json": {}}, 422),
        ("put", "/v1/aliases/{alias}", "/v1/aliases/.shop", put, 422),
        ("delete", "/v1/aliases/{alias}", "/v1/aliases/shop", {}, 409),
    ]
    for method, route, url, sent, status in calls:
        answer = still_client.request(method, url, **sent)
        assert answer.status_code == status, (url, answer.text)
        check(document, method, route, answer)
    documented = {(method, route) for route, one in document["paths"].items() for method in one}
    assert {(method, route) for method, route, *_ in calls} == documented


def test_not_ready_is_answered_as_the_document_says(
    document: Document, opened: Opened, settings: Settings
) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings, opened))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/readyz")

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    check(document, "get", "/readyz", answer)


def test_every_documented_error_is_a_problem_document(document: Document) -> None:
    errors = {
        (route, method, status): response["content"]
        for route, one in document["paths"].items()
        for method, operation in one.items()
        for status, response in operation["responses"].items()
        if status >= "400"
    }
    assert errors
    for content in errors.values():
        assert content == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_nothing_of_the_framework_s_own_errors_is_left(still_client: httpx.Client) -> None:
    text = still_client.get("/openapi.json").text
    assert "HTTPValidationError" not in text
    assert '"ValidationError"' not in text


def test_every_schema_is_used(document: Document, still_client: httpx.Client) -> None:
    text = still_client.get("/openapi.json").text
    names = document["components"]["schemas"]
    assert [name for name in names if f"#/components/schemas/{name}" not in text] == []


def test_document_is_the_same_when_asked_again(
    still_client: httpx.Client, document: Document
) -> None:
    assert still_client.get("/openapi.json").json() == document


def test_every_route_says_how_it_refuses_what_is_late_and_whoever_asks_for_another_host(
    document: Document,
) -> None:
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all({"400", "421"} <= one["responses"].keys() for one in operations)
    with_body = [one["responses"] for one in operations if "requestBody" in one]
    assert len(with_body) > 10
    assert all("408" in responses for responses in with_body)
