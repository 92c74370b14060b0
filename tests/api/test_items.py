"""Items, pictures and thumbnails, under any key."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

import api.routes.items
from api.urls import item_url
from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import load_settings
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures
from tests.serving import serving

AWKWARD_KEYS = [
    "shoes/17.jpg",
    "a b/c d.jpg",
    "50%/100%25.jpg",
    "what?/x=1&y=2.jpg",
    "sharp#1.jpg",
    "фото/綿.jpg",
    "emoji/🧵.jpg",
    "/absolute/path.jpg",
    "double//slash.jpg",
    "../up.jpg",
    "a/./b.jpg",
    "trailing/",
    "quo\"te's.jpg",
    "plus+plus.jpg",
    "back\\slash.jpg",
    "tab\there.jpg",
    "line\nbreak.jpg",
    "ends in one\n",
]


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An index whose keys are as awkward as keys get."""
    tmp_path = tmp_path_factory.mktemp("awkward")
    names = random_colors(len(AWKWARD_KEYS))
    write_pictures(tmp_path / "p", names)
    quoted = [key.replace('"', '""') for key in AWKWARD_KEYS]
    rows = [f'p/{name},"{key}"' for name, key in zip(names, quoted, strict=True)]
    (tmp_path / "keys.csv").write_text("path,key\n" + "\n".join(rows), encoding="utf-8")
    build_fake(tmp_path / "index", tmp_path / "keys.csv")
    store = LocalStore(tmp_path / "index")
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with serving(opened, load_settings()) as client:
        yield client


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_any_key_round_trips_through_item_image_and_thumbnail(
    awkward: httpx.Client, key: str
) -> None:
    item = awkward.get(item_url("items", key))
    assert item.status_code == 200
    assert item.json()["key"] == key
    assert awkward.get(item.json()["image_url"]).headers["content-type"] == "image/png"
    assert awkward.get(item.json()["thumbnail_url"]).headers["content-type"] == "image/webp"


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_any_key_can_be_searched_with_and_its_hits_can_be_fetched(
    awkward: httpx.Client, key: str
) -> None:
    query = {"terms": [{"attribute": "color", "image": {"key": key}}], "limit": 1}
    hit = awkward.post("/v1/search", json=query).json()["hits"][0]
    assert hit["key"] == key
    assert awkward.get(hit["thumbnail_url"]).status_code == 200


def test_items_are_listed_in_order_page_by_page(awkward: httpx.Client) -> None:
    found: list[str] = []
    after: dict[str, str] = {}
    for _ in range(5):
        page = awkward.get("/v1/items", params={"limit": 5, **after}).json()
        found += [item["key"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == sorted(AWKWARD_KEYS, key=lambda key: key.encode())


def test_list_limit_out_of_range_is_a_problem(still_client: httpx.Client) -> None:
    answer = still_client.get("/v1/items", params={"limit": 0})
    assert answer.status_code == 422
    assert "limit" in answer.json()["detail"]


def test_item_never_shows_where_its_picture_lies(client: httpx.Client, pictures: Path) -> None:
    assert str(pictures) not in client.get("/v1/items/000.png").text


@pytest.mark.parametrize("kind", ["items", "images", "thumbnails"])
def test_unknown_key_is_a_404_that_names_it(still_client: httpx.Client, kind: str) -> None:
    answer = still_client.get(f"/v1/{kind}/no/such.png")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'no/such.png'" in answer.json()["detail"]


def test_image_is_the_very_file_that_was_indexed(client: httpx.Client, pictures: Path) -> None:
    answer = client.get("/v1/images/000.png")
    assert answer.content == (pictures / "000.png").read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_image_asked_for_again_with_its_tag_is_not_sent_again(still_client: httpx.Client) -> None:
    for kind in ("images", "thumbnails"):
        tag = still_client.get(f"/v1/{kind}/000.png").headers["etag"]
        again = still_client.get(f"/v1/{kind}/000.png", headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("form", ["W/{tag}", '"other", {tag}', '"other",W/{tag} , "more"', "*"])
def test_tag_may_be_weak_or_one_of_several(still_client: httpx.Client, form: str) -> None:
    tag = still_client.get("/v1/images/000.png").headers["etag"]
    for kind in ("images", "thumbnails"):
        headers = {"if-none-match": form.format(tag=tag)}
        again = still_client.get(f"/v1/{kind}/000.png", headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("form", ['"other"', "{bare}", 'W/"other", "another"', ""])
def test_other_tags_get_the_picture(still_client: httpx.Client, form: str) -> None:
    bare = still_client.get("/v1/images/000.png").headers["etag"].strip('"')
    headers = {"if-none-match": form.format(bare=bare)}
    assert still_client.get("/v1/images/000.png", headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["images", "thumbnails"])
def test_picture_replaced_since_is_not_served_under_the_old_tag(
    client: httpx.Client, pictures: Path, kind: str
) -> None:
    (pictures / "000.png").write_bytes((pictures / "001.png").read_bytes())
    answer = client.get(f"/v1/{kind}/000.png")
    assert answer.status_code == 404
    assert "'000.png' has changed since it was indexed" in answer.json()["detail"]
    assert "etag" not in answer.headers


@pytest.mark.parametrize("kind", ["images", "thumbnails"])
def test_picture_that_vanished_is_a_404_that_says_so(
    client: httpx.Client, pictures: Path, kind: str
) -> None:
    (pictures / "000.png").unlink()
    answer = client.get(f"/v1/{kind}/000.png")
    assert answer.status_code == 404
    assert "no longer" in answer.json()["detail"]


def test_thumbnail_is_made_once_and_not_shown_when_its_picture_is_gone(
    client: httpx.Client, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, plain = list[int](), api.routes.items.thumbnail

    def counted(data: bytes, limits: Limits) -> bytes:
        made.append(len(data))
        return plain(data, limits)

    monkeypatch.setattr(api.routes.items, "thumbnail", counted)
    first, again = (client.get("/v1/thumbnails/000.png") for _ in range(2))
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert len(made) == 1
    known = client.get("/v1/thumbnails/000.png", headers={"if-none-match": first.headers["etag"]})
    assert known.status_code == 304
    (pictures / "000.png").unlink()
    assert client.get("/v1/thumbnails/000.png").status_code == 404


def test_thumbnail_of_what_was_replaced_or_removed_is_not_shown(client: httpx.Client) -> None:
    path = "/v1/thumbnails/000.png"
    before = client.get(path)
    written = io.BytesIO()
    Image.new("RGB", (16, 16), (1, 200, 90)).save(written, "PNG")
    files = {"image": ("a.png", written.getvalue())}
    assert client.put("/v1/items/000.png", files=files).status_code == 200
    tag = {"if-none-match": before.headers["etag"]}
    for headers in ({}, tag, {}):
        after = client.get(path, headers=headers)
        assert (after.status_code, after.content == before.content) == (200, False)
    assert client.delete("/v1/items/000.png").status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(path, headers={"if-none-match": "*"}).status_code == 404


def test_thumbnail_is_small_and_keeps_its_shape(still_client: httpx.Client) -> None:
    image = Image.open(io.BytesIO(still_client.get("/v1/thumbnails/000.png").content))
    assert image.size == (16, 16)


@pytest.mark.parametrize(
    "path", ["/v1/items", "/v1/items/000.png", "/v1/images/000.png", "/v1/thumbnails/000.png",
             "/v1/attributes", "/v1/index", "/healthz", "/readyz", "/openapi.json", "/docs"]
)  # fmt: skip
def test_head_gives_the_headers_of_get_without_a_body(
    still_client: httpx.Client, path: str
) -> None:
    got, head = still_client.get(path), still_client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]
