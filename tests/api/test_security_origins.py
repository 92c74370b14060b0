"""Pages of other sites: what they may ask a browser to do here, and see of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from service.errors import SettingsError
from service.opening import Opened
from service.settings import load_settings
from tests.api.keyed import Keyed, keyed_server
from tests.serving import serving

SHOP = "https://shop.example"
QUERY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}], "limit": 1}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest.fixture
def listing(opened: Opened, tmp_path: Path) -> Iterator[Keyed]:
    with keyed_server(opened, tmp_path, cors_origins=f"{SHOP}, http://localhost:3000") as found:
        yield found


def search(client: httpx.Client, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/search", json=QUERY, headers=sent)


@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": SHOP},
     {"origin": "null"}, {"origin": "http://127.0.0.1:1"}, {"origin": "http://[bad"},
     {"sec_fetch_site": "cross-site", "origin": SHOP}],
)  # fmt: skip
def test_another_site_s_page_cannot_post(
    still_client: httpx.Client, headers: dict[str, str]
) -> None:
    answer = search(still_client, **headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'cors_origins'" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nor_change_anything(still_client: httpx.Client, method: str) -> None:
    answer = still_client.request(method, "/v1/items/003.png", headers={"origin": SHOP})
    assert answer.status_code == 403


def test_own_page_and_clients_that_are_no_browsers_can(still_client: httpx.Client) -> None:
    url = still_client.base_url
    own = f"{url.scheme}://{url.host}:{url.port}"
    allowed: list[dict[str, str]] = [
        {}, {"origin": own}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://proxy.example"},
    ]  # fmt: skip
    for headers in allowed:
        assert search(still_client, **headers).status_code == 200


def test_reading_is_left_to_the_browser_which_shows_nothing(still_client: httpx.Client) -> None:
    answer = still_client.get("/v1/index", headers={"origin": SHOP, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    asked = still_client.options("/v1/search", headers={"origin": SHOP, **PREFLIGHT})
    assert asked.status_code == 405
    assert "access-control-allow-origin" not in asked.headers


def test_listed_origin_may_ask_with_a_key_and_see_the_answer(listing: Keyed) -> None:
    asked = listing.ask("OPTIONS", "/v1/search", headers={"origin": SHOP, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in asked.headers
    sent: dict[str, Any] = {
        "json": QUERY,
        "headers": {"origin": SHOP, "sec-fetch-site": "cross-site"},
    }
    answer = listing.ask("POST", "/v1/search", "read", **sent)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "Origin" in answer.headers["vary"]


def test_listed_origin_sees_why_it_was_refused(listing: Keyed) -> None:
    answer = listing.ask("GET", "/v1/index", headers={"origin": SHOP})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "http://shop.example",
               "https://shop.example:8443", "null"]
)  # fmt: skip
def test_origin_that_is_not_listed_is_told_nothing(listing: Keyed, origin: str) -> None:
    asked = listing.ask("OPTIONS", "/v1/search", headers={"origin": origin, **PREFLIGHT})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    answer = listing.ask("POST", "/v1/search", "read", json=QUERY, headers={"origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_listed_origins_may_show_pictures_and_others_nothing_more(listing: Keyed) -> None:
    policy = "cross-origin-resource-policy"
    assert listing.ask("GET", "/v1/thumbnails/003.png", "read").headers[policy] == "cross-origin"
    assert listing.ask("GET", "/v1/index", "read").headers[policy] == "same-origin"


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/", "https://shop.example/a", "ftp://a",
               "https://a@b", "https://*.example", "null"]
)  # fmt: skip
def test_setting_that_is_no_origin_is_named(origin: str) -> None:
    with pytest.raises(SettingsError, match="'cors_origins' has"):
        create_app(load_settings(cors_origins=origin))


def test_every_origin_is_allowed_only_with_keys(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'\*' and there are no keys"):
        create_app(load_settings(cors_origins="*"))
    with keyed_server(opened, tmp_path, cors_origins="*") as keyed:
        answer = keyed.ask("POST", "/v1/search", "read", json=QUERY, headers={"origin": SHOP})
        assert answer.headers["access-control-allow-origin"] == "*"


def test_without_a_list_there_is_no_cors(opened: Opened) -> None:
    with serving(opened, load_settings()) as client:
        answer = client.get("/v1/index", headers={"origin": SHOP})
        assert "access-control-allow-origin" not in answer.headers
