"""A folder of pictures that vanished: searches go on, and what needs a picture says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import load_settings
from service.verify import verify
from tests.fakes import FakeExtractor
from tests.serving import serving

pytestmark = pytest.mark.e2e

BY_COLOR = {"terms": [{"attribute": "color", "palette": [{"hex": "#7a1f2b", "weight": 1}]}]}
BY_KEY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}]}


@pytest.fixture
def client(fake_index: Path) -> Iterator[httpx.Client]:
    settings = load_settings()
    store, limits = LocalStore(fake_index), Limits()
    opened = Opened(store, Searcher(store, FakeExtractor(), limits), limits)
    with serving(opened, settings) as client:
        yield client


@pytest.fixture
def away(pictures: Path, client: httpx.Client) -> Path:
    """The folder, moved to where nobody looks while the server runs."""
    return pictures.rename(pictures.with_name("elsewhere"))


def search(client: httpx.Client, query: dict[str, Any]) -> list[str]:
    answer = client.post("/v1/search", json={**query, "limit": 20})
    assert answer.status_code == 200, answer.text
    return [hit["key"] for hit in answer.json()["hits"]]


def test_searches_by_key_by_color_and_by_picture_go_on(client: httpx.Client, away: Path) -> None:
    assert search(client, BY_KEY)[0] == "003.png"
    assert len(search(client, BY_COLOR)) == 20
    files = {"image": (away / "005.png").read_bytes()}
    answer = client.post("/v1/search/image", files=files, data={"attribute": "color"})
    assert answer.json()["hits"][0]["key"] == "005.png"
    assert client.get("/v1/items/003.png").status_code == 200
    explained = client.post("/v1/search", json={**BY_KEY, "limit": 3, "explain": True}).json()
    assert [hit["why"] for hit in explained["hits"]] == [None] * 3


@pytest.mark.parametrize("what", ["images", "thumbnails"])
@pytest.mark.usefixtures("away")
def test_its_pictures_are_404_and_that_is_said(client: httpx.Client, what: str) -> None:
    answer = client.get(f"/v1/{what}/003.png")
    assert answer.status_code == 404
    detail = answer.json()["detail"]
    assert detail == "the picture of '003.png' is no longer where it was indexed from"


@pytest.mark.usefixtures("away")
def test_what_must_look_at_a_picture_names_the_one_that_is_gone(client: httpx.Client) -> None:
    for path, query in (
        ("/v1/explain", {"query": BY_KEY, "key": "005.png"}),
        ("/v1/search", {"terms": [{**BY_KEY["terms"][0], "image": _cut("003.png")}]}),
    ):
        answer = client.post(path, json=query)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert ".png" in answer.json()["detail"]
        assert any(words in answer.json()["detail"] for words in ("no longer", "cannot be read"))


def _cut(key: str) -> dict[str, Any]:
    """An item's picture in part, which has to be read for it."""
    return {"key": key, "region": {"unit": "fraction", "box": [0.1, 0.1, 0.9, 0.9]}}


def test_verify_names_every_picture_and_once_they_are_back_all_is_well(
    client: httpx.Client, away: Path, pictures: Path, fake_index: Path
) -> None:
    problems = list(verify(fake_index, pictures=True))
    assert len(problems) == 20
    assert all("is gone" in line for line in problems)
    away.rename(pictures)
    assert list(verify(fake_index, pictures=True)) == []
    assert client.get("/v1/images/003.png").status_code == 200
    assert client.post("/v1/explain", json={"query": BY_KEY, "key": "005.png"}).status_code == 200
