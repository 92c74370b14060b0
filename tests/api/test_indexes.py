"""Several indexes by name, aliases that switch between them, and news on demand."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from PIL import Image

from api.app import create_app
from service.settings import load_settings
from tests.bad_pictures import encode
from tests.fakes import build_fake
from tests.roots import Recorder, make_root, root_indexes
from tests.serving import running

SWITCHES = 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path, default=4, shop_1=3, shop_2=5)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(root: Path, recorder: Recorder) -> Iterator[httpx.Client]:
    settings = load_settings(root=str(root))
    with running(create_app(settings, indexes=root_indexes(root, recorder)), settings) as client:
        until_ready(client)
        yield client


def until_ready(client: httpx.Client) -> None:
    while client.get("/readyz").status_code != 200:
        pass


def items(client: httpx.Client, prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{prefix}/items").json()["items"]
    return found


def put(client: httpx.Client, alias: str, index: str) -> httpx.Response:
    return client.put(f"/v1/aliases/{alias}", json={"index": index})


def test_plain_paths_are_the_default_index_and_names_the_others(client: httpx.Client) -> None:
    counts = [
        client.get(f"{prefix}/index").json()["items"]
        for prefix in ("/v1", "/v1/indexes/default", "/v1/indexes/shop-1", "/v1/indexes/shop-2")
    ]
    assert counts == [4, 4, 3, 5]


@pytest.mark.parametrize("name", ["shop-1", "shop"])
def test_addresses_point_below_the_prefix_that_was_asked(client: httpx.Client, name: str) -> None:
    put(client, "shop", "shop-1")
    prefix = f"/v1/indexes/{name}"
    term = {"attribute": "color", "image": {"key": "shop-1/001.png"}}
    hits = client.post(f"{prefix}/search", json={"terms": [term]}).json()["hits"]
    assert len(hits) == 3
    for one in (*hits, *items(client, prefix), client.get(f"{prefix}/items/shop-1/000.png").json()):
        assert one["image_url"] == f"{prefix}/images/{one['key']}"
        assert one["thumbnail_url"] == f"{prefix}/thumbnails/{one['key']}"
        assert client.get(one["image_url"]).status_code == 200
        assert client.get(one["thumbnail_url"]).status_code == 200


def test_items_of_one_index_are_not_in_another(client: httpx.Client) -> None:
    assert client.get("/v1/indexes/shop-1/items/shop-1/000.png").status_code == 200
    assert client.get("/v1/indexes/shop-2/items/shop-1/000.png").status_code == 404
    assert client.get("/v1/items/shop-1/000.png").status_code == 404


@pytest.mark.parametrize("name", ["none", "a%2Fb", "%2E%2E", "a%00b", "x" * 300])
def test_unknown_name_is_a_404_that_names_those_there(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/v1/indexes/{name}/index")
    assert answer.status_code == 404
    if name == "none":
        assert answer.json()["type"] == "urn:hueweave:unknown-index"
        detail = "there is no index 'none': there are default, shop-1, shop-2"
        assert answer.json()["detail"] == detail


def test_list_tells_names_items_and_aliases(client: httpx.Client) -> None:
    put(client, "shop", "shop-2")
    found = client.get("/v1/indexes").json()
    shown = [(one["name"], one["items"], one["generation"]) for one in found["indexes"]]
    assert shown == [("default", 4, 1), ("shop-1", 3, 1), ("shop-2", 5, 1)]
    assert [one["aliases"] for one in found["indexes"]] == [[], [], ["shop"]]
    assert (found["aliases"], found["default"]) == ({"shop": "shop-2"}, "default")


def test_index_built_beside_is_served_without_a_restart(
    client: httpx.Client, root: Path, tmp_path: Path
) -> None:
    assert client.get("/v1/indexes/shop-3/index").status_code == 404
    build_fake(root / "shop-3", tmp_path / "shop-1")
    assert len(items(client, "/v1/indexes/shop-3")) == 3
    assert "shop-3" in [one["name"] for one in client.get("/v1/indexes").json()["indexes"]]


def test_alias_is_set_switched_and_removed(client: httpx.Client) -> None:
    for index, count in (("shop-1", 3), ("shop-2", 5)):
        answer = put(client, "shop", index)
        assert (answer.status_code, answer.json()) == (200, {"alias": "shop", "index": index})
        assert len(items(client, "/v1/indexes/shop")) == count
    answer = client.delete("/v1/aliases/shop")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/v1/indexes/shop/index").status_code == 404
    assert client.delete("/v1/aliases/shop").status_code == 404


@pytest.mark.parametrize(
    ("alias", "index", "status", "words"),
    [
        ("shop-1", "shop-2", 409, "is the name of an index"),
        ("new", "shop", 409, "is itself an alias"),
        ("shop", "none", 404, "there is no index 'none'"),
        (".a", "shop-1", 422, "alias"),
        ("shop", "../shop-1", 422, "index"),
    ],
)
def test_alias_that_may_not_be_is_refused_by_name(
    client: httpx.Client, alias: str, index: str, status: int, words: str
) -> None:
    put(client, "shop", "shop-2")
    answer = put(client, alias, index)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert client.get("/v1/indexes").json()["aliases"] == {"shop": "shop-2"}


def test_target_that_cannot_be_opened_is_a_409_that_says_why(
    client: httpx.Client, root: Path
) -> None:
    put(client, "shop", "shop-1")
    (root / "shop-2" / "catalog.sqlite").write_bytes(b"no catalog")
    answer = put(client, "shop", "shop-2")
    assert answer.status_code == 409
    assert "alias 'shop' stays as it was: " in answer.json()["detail"]
    assert str(root) not in answer.text
    assert len(items(client, "/v1/indexes/shop")) == 3


def test_every_answer_during_switches_is_whole_and_of_one_of_the_two(client: httpx.Client) -> None:
    wholes = {
        name: frozenset(one["key"] for one in items(client, f"/v1/indexes/{name}"))
        for name in ("shop-1", "shop-2")
    }
    put(client, "shop", "shop-1")
    done = threading.Event()
    answers: Queue[tuple[int, frozenset[str]]] = Queue()
    picture = {"image": encode(Image.new("RGB", (16, 16), "teal"), "PNG")}

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            while not done.is_set():
                answer = own.post(
                    "/v1/indexes/shop/search/image", files=picture, data={"attribute": "color"}
                )
                hits = answer.json().get("hits", [])
                answers.put((answer.status_code, frozenset(hit["key"] for hit in hits)))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        seen = [answers.get(timeout=30)]
        for at in range(SWITCHES):
            name = f"shop-{2 - at % 2}"
            assert put(client, "shop", name).status_code == 200
            while not answers.empty():
                seen.append(answers.get())
            # The second from here on was asked after the switch.
            seen += [answers.get(timeout=30), last := answers.get(timeout=30)]
            assert last == (200, wholes[name])
    finally:
        done.set()
        thread.join()
    assert set(seen) == {(200, whole) for whole in wholes.values()}


def test_reload_shows_at_once_what_another_process_wrote(
    client: httpx.Client, root: Path, tmp_path: Path
) -> None:
    put(client, "shop", "shop-1")
    assert client.post("/v1/indexes/shop/index/reload").json() == {
        "name": "shop-1", "items": 3, "generation": 1,
    }  # fmt: skip
    for name in ("a.png", "b.png"):
        (tmp_path / "shop-1" / "shop-1" / name).write_bytes(
            (tmp_path / "shop-2" / "shop-2" / "000.png").read_bytes()
        )
    build_fake(root / "shop-1", tmp_path / "shop-1")
    other = root_indexes(root)
    other.switch("default-2", "shop-1")
    other.close()
    assert client.post("/v1/indexes/default-2/index/reload").json()["items"] == 5
    assert client.post("/v1/index/reload").json()["name"] == "default"


def test_each_index_is_closed_once_when_the_server_stops(root: Path, recorder: Recorder) -> None:
    settings = load_settings(root=str(root))
    app = create_app(settings, indexes=root_indexes(root, recorder))
    with running(app, settings) as client:
        until_ready(client)
        client.get("/v1/indexes/shop-1/index")
    assert sorted(recorder.closed) == ["default", "shop-1"]


def test_without_a_default_plain_paths_are_a_404_that_names_those_there(tmp_path: Path) -> None:
    root = make_root(tmp_path, a=3, b=3)
    settings = load_settings(root=str(root))
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        until_ready(client)
        answer = client.get("/v1/index")
        assert answer.status_code == 404
        assert "there is no default index, name one: there are a, b" in answer.json()["detail"]
        put(client, "default", "b")
        assert client.get("/v1/index").status_code == 200
        client.delete("/v1/aliases/default")
        assert client.get("/v1/index").status_code == 404


def test_server_of_one_index_has_no_aliases(still_client: httpx.Client) -> None:
    answer = put(still_client, "shop", "default")
    assert answer.status_code == 409
    assert "--root" in answer.json()["detail"]
    assert still_client.get("/v1/indexes").json()["default"] == "default"


def test_document_has_every_route_of_an_index_twice_and_no_identifier_twice(
    still_client: httpx.Client,
) -> None:
    paths = still_client.get("/openapi.json").json()["paths"]
    named = {path for path in paths if path.startswith("/v1/indexes/{name}/")}
    plain = {path for path in paths if path.startswith("/v1/")} - named
    by_name = {path.replace("/indexes/{name}", "") for path in named}
    assert plain - by_name == {"/v1/indexes", "/v1/indexes/{name}", "/v1/aliases/{alias}"}
    assert by_name <= plain
    operations = [one for path in paths.values() for one in path.values()]
    identifiers = [one["operationId"] for one in operations]
    assert len(set(identifiers)) == len(identifiers)
    for path in named:
        for operation in paths[path].values():
            assert "name" in [one["name"] for one in operation["parameters"]]
