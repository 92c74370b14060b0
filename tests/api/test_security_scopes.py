"""Which scope an operation needs."""

import pytest

from api.app import create_app
from api.security.scopes import scope_needed
from service.settings import Settings

OPEN = ["/", "/healthz", "/readyz", "/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css"]


@pytest.mark.parametrize("path", OPEN)
def test_pages_and_probes_are_open_to_reading_only(path: str) -> None:
    assert scope_needed("GET", path) is None
    assert scope_needed("HEAD", path) is None
    assert scope_needed("POST", path) == "admin"


@pytest.mark.parametrize(
    "path", ["/v1/index", "/v1/items/a", "/v1/images/a", "/metrics", "/v1/new", "/new", "",
             "/docs/", "/healthz/v1", "/static-offline-docs/../v1/index", "//", "/v1/indexes"]
)  # fmt: skip
def test_everything_else_is_read_with_a_key(path: str) -> None:
    assert scope_needed("GET", path) == "read"


@pytest.mark.parametrize("index", ["/v1", "/v1/indexes/shoes"])
@pytest.mark.parametrize("name", ["search", "search/image", "explain", "palette"])
def test_questions_are_reading_though_they_are_posted(index: str, name: str) -> None:
    assert scope_needed("POST", f"{index}/{name}") == "read"
    assert scope_needed("PUT", f"{index}/{name}") == "admin"


@pytest.mark.parametrize("index", ["/v1", "/v1/indexes/shoes"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_changing_an_item_is_writing(index: str, method: str) -> None:
    for key in ("a", "a/b", "line\nbreak", "/v1/search"):
        assert scope_needed(method, f"{index}/items/{key}") == "write"
    assert scope_needed("POST", f"{index}/bulk") == "write"


@pytest.mark.parametrize("index", ["/v1", "/v1/indexes/shoes", "/v1/indexes/feedback"])
def test_whoever_may_judge_neither_reads_nor_removes_what_others_judged(index: str) -> None:
    assert scope_needed("POST", f"{index}/feedback") == "feedback"
    for path in (f"{index}/feedback", f"{index}/feedback/", f"{index}/feedback/7"):
        assert scope_needed("GET", path) == scope_needed("HEAD", path) == "write"
        assert scope_needed("DELETE", path) == "write"
    assert scope_needed("POST", f"{index}/feedback/7") == "admin"
    assert scope_needed("GET", "/v1/indexes/feedback/index") == "read"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/index/reload"), ("PUT", "/v1/aliases/a"), ("DELETE", "/v1/indexes/a"),
     ("PUT", "/v1/indexes/a"), ("PUT", "/v1/indexes/items"),
     ("POST", "/v1/new"), ("DELETE", "/v1/items"), ("DELETE", "/v1/items/"),
     ("OPTIONS", "/v1/index"), ("TRACE", "/healthz"), ("get", "/healthz"),
     ("POST", "/v1/indexes/a/b/search"), ("POST", "/v1/search/more"),
     ("POST", "/v1/items/search"), ("POST", "/x/v1/search")],
)  # fmt: skip
def test_what_is_not_listed_needs_admin(method: str, path: str) -> None:
    assert scope_needed(method, path) == "admin"


def test_no_operation_of_the_document_is_open_but_the_probes() -> None:
    paths = create_app(Settings()).openapi()["paths"]
    assert "/v1/search" in paths
    found = {path for path, one in paths.items() for method in one
             if scope_needed(method.upper(), path) is None}  # fmt: skip
    assert found == {"/healthz", "/readyz"}
