"""The app: its document, its health, and how it fails."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.app import create_app
from api.examples import QUERIES
from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.query import Query
from service.search import Searcher
from service.settings import Settings
from tests.fakes import RECIPE, FakeExtractor, build_fake, manifest
from tests.serving import serving


def test_openapi_document_is_valid_and_publishes_the_query_schema(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    validate(document)
    schema = document["components"]["schemas"]["Query"]
    assert set(schema["properties"]) == {
        "terms", "filter", "limit", "cursor", "min_score", "collapse", "explain",
    }  # fmt: skip
    body = document["paths"]["/v1/search"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}


@pytest.mark.parametrize("name", QUERIES)
def test_examples_of_the_document_fit_its_own_schema(name: str) -> None:
    example = QUERIES[name]["value"]
    Draft202012Validator(Query.model_json_schema()).validate(example)
    assert Query.model_validate_json(json.dumps(example)).terms


def test_index_tells_what_it_is_made_of(client: httpx.Client) -> None:
    found = client.get("/v1/index").json()
    assert (found["items"], found["blocks"], found["backbone"]) == (20, [1, 2, 3, 4], "fake")


def test_index_shows_of_a_weights_file_only_its_name(
    tmp_path: Path, pictures: Path, settings: Settings
) -> None:
    recipe = replace(RECIPE, weights="/srv/secret/resnet.safetensors")
    build_fake(tmp_path / "i", pictures, made=replace(manifest(), recipe=recipe))
    store = LocalStore(tmp_path / "i")
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with serving(opened, settings) as client:
        answer = client.get("/v1/index")
    assert answer.json()["weights"] == "resnet.safetensors"
    assert "secret" not in answer.text


def test_attributes_name_their_blocks(client: httpx.Client) -> None:
    found = client.get("/v1/attributes").json()
    blocks = {one["name"]: one["blocks"] for one in found["attributes"]}
    assert blocks == {"color": [1, 2], "texture": [4]}
    assert found["blocks"] == [1, 2, 3, 4]


def test_ready_only_while_the_index_is_loaded(opened: Opened, settings: Settings) -> None:
    app = create_app(settings, opened)

    async def statuses() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            before = [(await client.get(path)).status_code for path in ("/healthz", "/readyz")]
            async with app.router.lifespan_context(app):
                during = (await client.get("/readyz")).status_code
            return [*before, during, (await client.get("/readyz")).status_code]

    assert asyncio.run(statuses()) == [200, 503, 200, 503]


def test_start_page_leads_to_the_documentation(client: httpx.Client) -> None:
    assert client.get("/", follow_redirects=False).headers["location"] == "/docs"


def test_documentation_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/")
        assert client.get(address).status_code == 200


def test_unknown_path_and_method_are_problem_documents(client: httpx.Client) -> None:
    missing, wrong = client.get("/v1/nothing"), client.delete("/v1/index")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert "'/v1/nothing'" in missing.json()["detail"]
    assert "DELETE" in wrong.json()["detail"]
    assert wrong.headers["allow"] == "GET, HEAD"
    several = client.post("/v1/items/003.png").headers["allow"]
    assert several == "GET, HEAD, PUT, PATCH, DELETE"


def test_body_past_the_limit_is_refused_by_its_length(client: httpx.Client) -> None:
    answer = client.post("/v1/search/image", files={"image": b"x" * 2_000_000})
    assert answer.status_code == 413
    assert "the limit is" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image"])
def test_body_without_a_length_is_refused_once_past_the_limit(
    client: httpx.Client, path: str
) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(100):
            sent += 100_000
            yield b"x" * 100_000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post(path, content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "the limit is" in answer.json()["detail"]


def test_picture_past_the_limit_is_refused_though_its_request_is_not(client: httpx.Client) -> None:
    files = {"image": b"x" * 250_000}
    answer = client.post("/v1/search/image", files=files, data={"attribute": "color"})
    assert answer.status_code == 413
    assert "250,000 bytes, the limit is 200,000" in answer.json()["detail"]


def test_unexpected_error_is_a_500_that_gives_nothing_away(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch, fake_index: Path
) -> None:
    def broken() -> int:
        raise RuntimeError(f"secret {fake_index}")

    monkeypatch.setattr(opened.store, "count", broken)
    with serving(opened, settings) as client:
        answer = client.get("/v1/index")
    assert answer.status_code == 500
    assert "secret" not in answer.text
