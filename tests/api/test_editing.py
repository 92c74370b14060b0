"""Items put, patched and deleted over REST."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.urls import item_url
from indexer.local import LocalStore
from indexer.lock import writer_lock
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import Settings
from tests.fakes import FakeExtractor
from tests.pictures import picture
from tests.serving import serving

PROBLEM = "application/problem+json"


def put(client: httpx.Client, key: str, data: bytes, **metadata: object) -> httpx.Response:
    files = {"image": ("a", data), "metadata": (None, json.dumps(metadata))}
    return client.put(item_url("items", key), files=files)


def search(client: httpx.Client, data: bytes) -> list[str]:
    answer = client.post(
        "/v1/search/image", files={"image": data}, data={"attribute": "color", "limit": 3}
    )
    return [hit["key"] for hit in answer.json()["hits"]]


@pytest.mark.parametrize(
    "key", ["a.png", "shoes/17.png", "фото/綿 1?.png", "a//b", "../c", "\ufffd"]
)
def test_item_put_is_served_and_found_at_once(client: httpx.Client, key: str) -> None:
    answer = put(client, key, picture(1), price=3, color="red", sold=False)
    assert answer.status_code == 201
    item = answer.json()
    assert item["key"] == key
    assert item["metadata"] == {"price": 3, "color": "red", "sold": False}
    assert answer.headers["location"] == item_url("items", key)
    assert search(client, picture(1))[0] == key
    shown = client.get(answer.headers["location"])
    assert shown.json() == item
    assert shown.headers["etag"] == answer.headers["etag"]
    image = client.get(item["image_url"])
    assert (image.content, image.headers["content-type"]) == (picture(1), "image/png")
    assert client.get(item["thumbnail_url"]).status_code == 200
    assert client.delete(item_url("items", key)).status_code == 204
    assert search(client, picture(1))[0] != key


def test_picture_put_can_be_searched_with_by_its_key(client: httpx.Client) -> None:
    put(client, "a", picture(1))
    region = {"unit": "fraction", "box": [0, 0, 1, 1]}
    for image in ({"key": "a"}, {"key": "a", "region": region}):
        query = {"terms": [{"attribute": "color", "image": image}], "limit": 1}
        assert client.post("/v1/search", json=query).json()["hits"][0]["key"] == "a"
    reason = client.post("/v1/explain", json={"query": query, "key": "a"})
    assert reason.status_code == 200


def test_item_put_again_is_replaced_or_left_as_it_is(client: httpx.Client, opened: Opened) -> None:
    first = put(client, "a", picture(1), n=1)
    again = put(client, "a", picture(1), n=1)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    other = put(client, "a", picture(2), n=1)
    assert (other.status_code, other.json()["version"]) == (200, 2)
    assert other.headers["etag"] != first.headers["etag"]
    assert client.get("/v1/images/a").content == picture(2)
    media = Path(opened.store.folder, "media")  # type: ignore[attr-defined]
    assert len(list(media.glob("*/*"))) == 1


def test_metadata_may_be_left_out_or_sent_as_a_file(client: httpx.Client) -> None:
    bare = client.put("/v1/items/a", files={"image": picture(1)})
    assert (bare.status_code, bare.json()["metadata"]) == (201, {})
    sent = ("m.json", b'{"n": 1}', "application/json")
    filed = client.put("/v1/items/a", files={"image": picture(1), "metadata": sent})
    assert filed.json()["metadata"] == {"n": 1}


def test_patch_merges_changes(client: httpx.Client) -> None:
    put(client, "a", picture(1), price=3, old="x")
    for kind in ("application/json", "application/merge-patch+json; charset=utf-8"):
        answer = client.patch(
            "/v1/items/a", content=b'{"price": 4.5, "old": null}', headers={"content-type": kind}
        )
        assert (answer.status_code, answer.json()["metadata"]) == (200, {"price": 4.5})
        assert client.get("/v1/items/a").headers["etag"] == answer.headers["etag"]
    facets = client.get("/v1/facets", params={"column": "price"}).json()["columns"]
    assert facets[0]["values"] == [{"value": 4.5, "count": 1}]


def test_deleted_item_and_its_picture_are_gone(client: httpx.Client, opened: Opened) -> None:
    put(client, "a", picture(1))
    item = opened.store.item("a")
    assert item is not None
    path = opened.store.locate(item)
    assert path.exists()
    answer = client.delete("/v1/items/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not path.exists()
    for address in ("/v1/items/a", "/v1/images/a", "/v1/thumbnails/a"):
        assert client.get(address).status_code == 404
    assert client.delete("/v1/items/a").status_code == 404


def test_change_of_what_was_seen_is_refused_once_it_is_another(client: httpx.Client) -> None:
    tag = put(client, "a", picture(1)).headers["etag"]
    seen = {"If-Match": tag}
    assert client.patch("/v1/items/a", json={"n": 1}, headers=seen).status_code == 200
    files = {"image": picture(2)}
    refused = [
        client.patch("/v1/items/a", json={"n": 2}, headers=seen),
        client.put("/v1/items/a", files=files, headers=seen),
        client.put("/v1/items/a", files=files, headers={"If-None-Match": "*"}),
        client.put("/v1/items/new", files=files, headers={"If-Match": "*"}),
        client.delete("/v1/items/a", headers=seen),
    ]
    for answer in refused:
        assert answer.status_code == 412
        assert answer.headers["content-type"] == PROBLEM
    assert "by now" in refused[0].json()["detail"]
    assert client.get("/v1/items/a").json()["metadata"] == {"n": 1}
    assert client.get("/v1/items/new").status_code == 404
    now = {"If-Match": f'"other", {client.get("/v1/items/a").headers["etag"]}'}
    assert client.delete("/v1/items/a", headers=now).status_code == 204
    new = client.put("/v1/items/a", files=files, headers={"If-None-Match": "*"})
    assert new.status_code == 201


def test_of_clients_who_saw_the_same_one_wins(client: httpx.Client) -> None:
    tag = put(client, "a", picture(1)).headers["etag"]

    def patch(at: int) -> int:
        return client.patch("/v1/items/a", json={"n": at}, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(patch, range(8)))
    assert sorted(statuses) == [200] + [412] * 7


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"files": {"image": b"no picture"}}, 422, "not a picture"),
        ({"files": {"image": b""}}, 422, "zero bytes"),
        ({"files": {"image": bytes(250_000)}}, 413, "250,000 bytes"),
        ({"files": {"metadata": b"{}"}}, 422, "no picture was sent"),
        ({"data": {"image": "text"}, "files": {"metadata": b"{}"}}, 422, "no picture was sent"),
        ({"files": {"image": picture(1), "other": b"x"}}, 422, "unknown field 'other'"),
        ({"files": [("image", b"x"), ("image", b"x")]}, 422, "more than once"),
        ({"files": {"image": picture(1)}, "data": {"metadata": "[]"}}, 422, "not a JSON object"),
        ({"files": {"image": picture(1)}, "data": {"metadata": '{"a": [1]}'}}, 422, "is a list"),
        ({"content": picture(1), "headers": {"content-type": "image/png"}}, 415, "'image/png'"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
    ],
)
def test_put_that_cannot_be_is_refused_with_the_reason(
    client: httpx.Client, sent: dict[str, object], status: int, words: str
) -> None:
    answer = client.put("/v1/items/a", **sent)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert words in answer.json()["detail"]
    assert client.get("/v1/items/a").status_code == 404


@pytest.mark.parametrize("path", ["x" * 1025, "a%00b", "%ff", "a/%ed%a0%bd", "%2e%2e", "."])
def test_key_that_cannot_be_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.build_request("PUT", "/v1/items/x", files={"image": picture(1)})
    answer.url = answer.url.copy_with(raw_path=f"/v1/items/{path}".encode())
    assert 400 <= client.send(answer).status_code < 500
    assert client.get("/v1/index").json()["items"] == 20


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (b"{", "application/json", 422, "not a JSON object"),
        (b"[]", "application/json", 422, "not a JSON object"),
        (b'{"a": {"b": null}}', "application/json", 422, "an object"),
        (b'{"color": 1}', "application/json", 422, "'color'"),
        (b"{}", "text/plain", 415, "'text/plain'"),
        (b"{" + b" " * 200_000 + b"}", "application/json", 422, "the limit is 65,536"),
    ],
)
def test_patch_that_cannot_be_is_refused_with_the_reason(
    client: httpx.Client, content: bytes, kind: str, status: int, words: str
) -> None:
    put(client, "a", picture(1), color="red")
    answer = client.patch("/v1/items/a", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    assert client.patch("/v1/items/nope", json={"n": 1}).status_code == 404
    answer = client.delete("/v1/items/nope", headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:hueweave:unknown-key")


def test_full_disk_is_said_without_naming_its_folder(
    client: httpx.Client, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        answer = put(client, "a", picture(1))
    assert answer.status_code == 507
    assert answer.json()["detail"] == "no room on the server's disk: nothing was changed"
    assert client.get("/v1/items/a").status_code == 404
    assert put(client, "a", picture(1)).status_code == 201


def test_index_that_another_writes_is_busy_and_the_owner_is_named(
    fake_index: Path, settings: Settings
) -> None:
    limits = Limits(settings.max_bytes, settings.max_pixels)
    store = LocalStore(fake_index, patience_s=0)
    opened = Opened(store, Searcher(store, FakeExtractor(), limits), limits)
    with serving(opened, settings) as client:
        with writer_lock(fake_index):
            answer = put(client, "a", picture(1))
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert f"process {os.getpid()} on " in answer.json()["detail"]
            assert str(fake_index.parent) not in answer.text
        assert put(client, "a", picture(1)).status_code == 201


def test_index_that_is_open_read_only_cannot_be_changed(
    fake_index: Path, settings: Settings
) -> None:
    limits = Limits(settings.max_bytes, settings.max_pixels)
    store = LocalStore(fake_index, read_only=True)
    opened = Opened(store, Searcher(store, FakeExtractor(), limits), limits)
    with serving(opened, settings) as client:
        for answer in (put(client, "a", picture(1)), client.delete("/v1/items/003.png")):
            assert answer.status_code == 403
            assert answer.json()["type"] == "urn:hueweave:read-only"
            assert str(fake_index.parent) not in answer.text
