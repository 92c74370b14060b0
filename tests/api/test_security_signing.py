"""Signed addresses of pictures: what they open, for how long, and what they do not."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from api.security import signing
from api.security.signing import AddressError, Signer, is_signable
from api.urls import Addresses
from service.opening import Opened
from tests.api.keyed import Keyed, keyed_server

KEYS = [
    "a.jpg",
    "a b/c?d=1&e#f.jpg",
    "50%.jpg",
    "фото/綿.jpg",
    "../up.jpg",
    "/abs",
    "end\n",
    "\x00",
]
NOW = 1_000_000_030.5
SIGNER = Signer(b"s" * 32, 900, lambda: NOW)


@pytest.fixture
def keyed(opened: Opened, tmp_path: Path) -> Iterator[Keyed]:
    with keyed_server(opened, tmp_path) as found:
        yield found


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("prefix", ["/v1", "/v1/indexes/shoes"])
def test_address_opens_what_it_was_made_for(prefix: str, key: str) -> None:
    address = httpx.URL("http://host").join(Addresses(prefix, SIGNER).of("images", key))
    path, _, query = address.raw_path.partition(b"?")
    SIGNER.check(unquote(path.decode()), query)


def test_only_pictures_and_thumbnails_are_signed() -> None:
    links = Addresses(signer=SIGNER)
    assert "signature=" in links.of("images", "a")
    assert "signature=" in links.of("thumbnails", "a")
    assert links.of("items", "a") == "/v1/items/a"
    for path in (
        "/v1/items/a",
        "/v1/images/",
        "/v1/index",
        "/x/v1/images/a",
        "/v1/items/v1/images/a",
    ):
        assert not is_signable(path)


def test_address_expires_on_a_whole_minute_no_sooner_than_promised() -> None:
    expires = int(parse_qs(SIGNER.query("/v1/images/a"))["expires"][0])
    assert expires % 60 == 0
    assert NOW + 900 <= expires < NOW + 960
    within = Signer(SIGNER.secret, 900, lambda: NOW + 10)
    assert within.query("/v1/images/a") == SIGNER.query("/v1/images/a")


def test_address_opens_nothing_once_it_has_expired() -> None:
    query = SIGNER.query("/v1/images/a").encode()
    expires = int(parse_qs(query.decode())["expires"][0])
    Signer(SIGNER.secret, 900, lambda: expires - 1).check("/v1/images/a", query)
    with pytest.raises(AddressError, match="expired"):
        Signer(SIGNER.secret, 900, lambda: expires).check("/v1/images/a", query)


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("expires=1", "expires=2"),
        lambda query: query[:-1],
        lambda query: query + "x",
        lambda query: query.replace("signature=", "signature=%C3%A9"),
        lambda query: query + "&expires=1000000000",
        lambda query: query + "&signature=a",
        lambda query: query.split("&")[0],
        lambda query: query.split("&")[1],
        lambda query: query.replace("expires=", "expires=+"),
        lambda query: query.replace("expires=", "expires=" + "9" * 5000),
        lambda query: query + "&more=1" * 20,
        lambda query: "signature=",
        lambda query: "",
    ],
)
def test_any_change_of_it_opens_nothing(change: object) -> None:
    query = SIGNER.query("/v1/images/a")
    changed = change(query)  # type: ignore[operator]
    with pytest.raises(AddressError, match="not one that this server signed"):
        SIGNER.check("/v1/images/a", changed.encode())


@pytest.mark.parametrize(
    "path",
    ["/v1/images/b", "/v1/thumbnails/a", "/v1/indexes/x/images/a", "/v1/images/a\n", "1\n/v1"],
)
def test_it_opens_no_other_path(path: str) -> None:
    with pytest.raises(AddressError):
        SIGNER.check(path, SIGNER.query("/v1/images/a").encode())


def test_another_secret_signs_otherwise() -> None:
    other = Signer(b"t" * 32, 900, lambda: NOW)
    with pytest.raises(AddressError):
        other.check("/v1/images/a", SIGNER.query("/v1/images/a").encode())


def addresses(keyed: Keyed) -> list[str]:
    query = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}], "limit": 1}
    hit = keyed.ask("POST", "/v1/search", "read", json=query).json()["hits"][0]
    item = keyed.ask("GET", "/v1/items/003.png", "read").json()
    listed = keyed.ask("GET", "/v1/items?limit=1", "read").json()["items"][0]
    return [one[name] for one in (hit, item, listed) for name in ("image_url", "thumbnail_url")]


def test_addresses_in_answers_open_their_pictures_without_a_key(keyed: Keyed) -> None:
    for address in addresses(keyed):
        assert keyed.ask("GET", address).headers["content-type"].startswith("image/")
        assert keyed.ask("HEAD", address).status_code == 200
        again = keyed.ask("GET", address)
        assert keyed.ask(
            "GET", address, headers={"if-none-match": again.headers["etag"]}
        ).status_code == 304  # fmt: skip


def test_signature_for_one_picture_opens_nothing_else(keyed: Keyed) -> None:
    query = urlsplit(addresses(keyed)[0]).query
    for path in ("/v1/images/004.png", "/v1/thumbnails/003.png", "/v1/items/003.png", "/v1/index"):
        assert keyed.ask("GET", f"{path}?{query}").status_code == 401
    for method in ("PUT", "DELETE", "POST"):
        assert keyed.ask(method, f"/v1/images/003.png?{query}").status_code == 401


def test_address_that_is_wrong_or_too_old_says_which(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = addresses(keyed)[0]
    wrong = keyed.ask("GET", address + "x")
    assert (wrong.status_code, "not one" in wrong.json()["detail"]) == (401, True)
    monkeypatch.setattr(Signer, "check", _expired)
    old = keyed.ask("GET", address)
    assert (old.status_code, "has expired" in old.json()["detail"]) == (401, True)


def _expired(signer: Signer, path: str, query: bytes) -> None:
    raise AddressError("the address has expired")


def test_key_still_counts_where_an_address_does_not(keyed: Keyed) -> None:
    address = addresses(keyed)[0]
    assert keyed.ask("GET", address + "x", "read").status_code == 200


def test_address_counts_whatever_header_a_proxy_adds(keyed: Keyed) -> None:
    headers = {"Authorization": "Basic YTpi"}
    assert keyed.ask("GET", addresses(keyed)[0], headers=headers).status_code == 200


def test_rotation_closes_every_address_and_leaves_keys(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = addresses(keyed)[0]
    keyed.file.rotate()
    monkeypatch.setattr("service.keys_file._LOOK_EVERY_S", 0.0)
    assert keyed.ask("GET", address).status_code == 401
    assert keyed.ask("GET", addresses(keyed)[0]).status_code == 200


def test_without_keys_addresses_are_plain(still_client: httpx.Client) -> None:
    item = still_client.get("/v1/items/003.png").json()
    assert item["image_url"] == "/v1/images/003.png"


def test_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    real = signing.hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return real(one, other)

    monkeypatch.setattr(signing.hmac, "compare_digest", compare)
    SIGNER.check("/v1/images/a", SIGNER.query("/v1/images/a").encode())
    assert compared == [43]
