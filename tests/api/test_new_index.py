"""PUT /v1/indexes/{name}: an empty index on a running server."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from api.app import create_app
from indexer.factory import check_index_type
from models.images import Limits
from service.keys_file import KeysFile
from service.new_index import NewIndex
from service.settings import load_settings
from tests.api.conftest import open_fake
from tests.bad_pictures import encode
from tests.fakes import RECIPE
from tests.roots import root_indexes
from tests.serving import running, serving


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def client(root: Path) -> Iterator[httpx.Client]:
    """A client of a server whose folder of indexes is empty."""
    settings = load_settings(root=str(root))
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        until_ready(client)
        yield client


def until_ready(client: httpx.Client) -> None:
    while client.get("/readyz").status_code != 200:
        pass


def names(client: httpx.Client) -> list[str]:
    return [one["name"] for one in client.get("/v1/indexes").json()["indexes"]]


def test_new_index_takes_items_at_once_and_an_alias_stands_for_it(client: httpx.Client) -> None:
    answer = client.put("/v1/indexes/shop-1", json={"blocks": "1-2", "metric": "l2"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/indexes/shop-1/index"
    made = {"backbone": RECIPE.backbone, "preset": "default", "blocks": "1,2", "metric": "l2"}
    tuned = {"index_type": "auto", "profile": "small", "recall": 0.97}
    assert answer.json() == {"name": "shop-1", "reduce": "none", **tuned, **made}
    assert client.get(answer.headers["location"]).json()["items"] == 0

    picture = {"image": encode(Image.new("RGB", (16, 16), "teal"), "PNG")}
    assert client.put("/v1/indexes/shop-1/items/a", files=picture).status_code == 201
    assert client.put("/v1/aliases/shop", json={"index": "shop-1"}).status_code == 200
    found = client.post("/v1/indexes/shop/search/image", files=picture, data={"attribute": "color"})
    assert [hit["key"] for hit in found.json()["hits"]] == ["a"]


def test_second_time_nothing_is_changed_and_otherwise_it_is_a_conflict(
    client: httpx.Client, root: Path
) -> None:
    first, second = (client.put("/v1/indexes/a") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    answer = client.put("/v1/indexes/a", json={"preset": "paper"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hueweave:index-conflict")
    assert "'a' was made with preset 'default', not 'paper'" in answer.json()["detail"]
    assert str(root) not in answer.text


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        (".a", {}, 422, "path.name"),
        ("a%20b", {}, 422, "path.name"),
        ("aliases.json", {}, 422, "is where aliases are kept"),
        ("sale", {}, 409, "'sale' is an alias of 'shop'"),
        ("new", {"weights": "a.pth"}, 422, "weights"),
        ("new", {"metric": "l3"}, 422, "metric"),
        ("new", {"blocks": "9"}, 422, "blocks: expected auto, or blocks out of 1 to 5"),
        ("new", {"blocks": "3-1"}, 422, "blocks"),
        ("new", {"preset": "best"}, 422, "unknown preset 'best'"),
        ("new", {"index_type": "IVF16,PQ1x24"}, 422, "index_type: expected auto, Flat, SQ8"),
        ("new", {"index_type": "IVF1000000000,Flat"}, 422, "index_type"),
        ("new", {"reduce": "umap:8"}, 422, "reduce: expected none, or pca:64"),
        ("new", {"reduce": "pca:9999"}, 422, "up to pca:2048"),
        ("new", {"metric": 2}, 422, "metric"),
        ("new", [], 422, ""),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    client: httpx.Client, root: Path, name: str, body: Any, status: int, words: str
) -> None:
    client.put("/v1/indexes/shop")
    client.put("/v1/aliases/sale", json={"index": "shop"})
    answer = client.put(f"/v1/indexes/{name}", json=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert names(client) == ["shop"]
    assert not (root / name).is_dir()


def test_every_index_type_that_is_let_through_can_be_looked_at_without_harm() -> None:
    worst = ["HNSW999,SQ8", "IVF99999,SQfp16", "IVF99999,PQ64x8", "PCA64,IVF99999,Flat"]
    for index_type in worst:
        assert NewIndex(index_type=index_type).index_type == index_type
        check_index_type(index_type, 64, "cosine")


def test_server_of_one_index_makes_none(fake_index: Path) -> None:
    settings = load_settings(index=str(fake_index))
    with serving(open_fake(fake_index, Limits()), settings) as client:
        for name in ("new", "default"):
            answer = client.put(f"/v1/indexes/{name}")
            assert answer.status_code == 409
            assert "--root" in answer.json()["detail"]


def test_full_disk_is_a_507_and_goes_on_when_there_is_room(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "mkdir", full)
        assert client.put("/v1/indexes/a").status_code == 507
    assert names(client) == []
    assert client.put("/v1/indexes/a").status_code == 201


def test_making_an_index_needs_the_scope_admin(root: Path, tmp_path: Path) -> None:
    file = KeysFile(tmp_path / "keys.json")
    keys = {scope: file.create(scope, scope)[1] for scope in ("write", "admin")}
    settings = load_settings(root=str(root), keys=str(file.path))
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        until_ready(client)
        statuses = [
            client.put("/v1/indexes/a", headers={"Authorization": f"Bearer {key}"}).status_code
            for key in keys.values()
        ]
    assert statuses == [403, 201]


def test_read_only_server_makes_none(root: Path) -> None:
    settings = load_settings(root=str(root), read_only=True)
    with running(create_app(settings), settings) as client:
        until_ready(client)
        answer = client.put("/v1/indexes/a")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:hueweave:read-only")
    assert list(root.iterdir()) == []
