"""Keys in front of a real server: who gets in, and what the others are told."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.security.gate import Gate
from service.keys import SCOPES, KeysError
from service.keys_file import KeyRing, KeysFile
from service.opening import Opened
from service.settings import Settings, load_settings
from tests.api.keyed import Keyed, is_refusal, keyed_server

QUERY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}], "limit": 1}


@pytest.fixture
def keyed(opened: Opened, tmp_path: Path) -> Iterator[Keyed]:
    with keyed_server(opened, tmp_path) as found:
        yield found


def test_without_a_key_nothing_but_probes_and_documentation_is_there(keyed: Keyed) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert keyed.ask("GET", path).status_code == 200
    for path in ("/v1/index", "/v1/items", "/v1/images/000.png", "/v1/nothing", "/nothing"):
        is_refusal(keyed.ask("GET", path), 401, "Authorization: Bearer", "")
    is_refusal(keyed.ask("POST", "/v1/search", json=QUERY), 401, "needs a key", "")
    assert keyed.ask("HEAD", "/v1/index").status_code == 401


def test_key_of_any_scope_reads_and_searches(keyed: Keyed) -> None:
    for scope in SCOPES:
        assert keyed.ask("GET", "/v1/index", scope).status_code == 200
        assert keyed.ask("HEAD", "/v1/index", scope).status_code == 200
        answer = keyed.ask("POST", "/v1/search", scope, json=QUERY)
        assert answer.json()["hits"][0]["key"] == "003.png"


def test_scope_that_is_too_small_is_told_which_is_needed(keyed: Keyed) -> None:
    answer = keyed.ask("DELETE", "/v1/items/003.png", "read")
    is_refusal(answer, 403, "scope 'write', the key has 'read'", 'scope="write"')
    answer = keyed.ask("POST", "/v1/index/reload", "write")
    is_refusal(answer, 403, "scope 'admin', the key has 'write'", "insufficient_scope")
    assert keyed.ask("DELETE", "/v1/no/such/route", "admin").status_code in (404, 405)


@pytest.mark.parametrize(
    ("value", "error"),
    [("Bearer", "invalid_token"), ("Bearer hw_x", "invalid_token"),
     ("Basic YTpi", "invalid_request"), ("{key}", "invalid_request"),
     ("Bearer {key}x", "invalid_token"),
     ("Bearer {key} {key}", "invalid_token"), ("Bearer \xe9", "invalid_token")],
)  # fmt: skip
def test_wrong_authorization_is_refused(keyed: Keyed, value: str, error: str) -> None:
    header = value.format(key=keyed.keys["admin"]).encode("latin-1")
    answer = keyed.ask("GET", "/v1/index", headers={"Authorization": header})
    assert answer.status_code == 401
    assert f'error="{error}"' in answer.headers["www-authenticate"]


def test_scheme_is_read_in_any_case(keyed: Keyed) -> None:
    header = {"Authorization": f"bEaReR {keyed.keys['read']}"}
    assert keyed.ask("GET", "/v1/index", headers=header).status_code == 200


def test_two_authorizations_are_refused_though_one_is_right(keyed: Keyed) -> None:
    right = ("Authorization", f"Bearer {keyed.keys['read']}")
    answer = keyed.client.get("/v1/index", headers=[right, ("Authorization", "Bearer x")])
    is_refusal(answer, 401, "not one", "invalid_request")


def test_key_is_not_read_from_the_address(keyed: Keyed) -> None:
    for name in ("key", "token", "access_token", "api_key"):
        answer = keyed.ask("GET", "/v1/index", params={name: keyed.keys["admin"]})
        assert answer.status_code == 401


def test_refusal_comes_before_the_body_is_read(keyed: Keyed) -> None:
    url = keyed.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=30) as sent:
        # Not one byte of the body follows: whoever waited for it would never answer.
        sent.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
            b"Content-Type: application/json\r\n\r\n"
        )
        assert sent.recv(1000).startswith(b"HTTP/1.1 401 ")


def ring_over(tmp_path: Path, clock: Any) -> tuple[KeysFile, KeyRing]:
    file = KeysFile(tmp_path / "ring.json")
    file.create("a", "read")
    return file, KeyRing(file, clock)


def test_revoked_key_is_refused_by_the_server_that_runs(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keyed.ask("GET", "/v1/index", "read").status_code == 200
    identity = keyed.keys["read"].split("_")[1]
    keyed.file.revoke(identity)
    monkeypatch.setattr("service.keys_file._LOOK_EVERY_S", 0.0)
    is_refusal(keyed.ask("GET", "/v1/index", "read"), 401, "revoked", "invalid_token")
    assert keyed.ask("GET", "/v1/index", "write").status_code == 200


def test_expired_key_is_refused(opened: Opened, tmp_path: Path) -> None:
    long_ago = KeysFile(tmp_path / "keys.json", now=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    _, text = long_ago.create("old", "admin", 1)
    with keyed_server(opened, tmp_path) as keyed:
        answer = keyed.ask("GET", "/v1/index", headers={"Authorization": f"Bearer {text}"})
        is_refusal(answer, 401, "expired", "invalid_token")


def test_keys_file_that_vanished_is_a_503_that_names_no_path(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyed.file.path.unlink()
    monkeypatch.setattr("service.keys_file._LOOK_EVERY_S", 0.0)
    answer = keyed.ask("GET", "/v1/index", "admin")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert keyed.ask("GET", "/healthz").status_code == 200


def test_route_added_later_is_behind_the_gate(opened: Opened, tmp_path: Path) -> None:
    file = KeysFile(tmp_path / "keys.json")
    file.create("a", "read")
    app = create_app(load_settings(keys=str(file.path)), opened)

    @app.post("/v1/wipe")
    def wipe() -> str:
        raise AssertionError("it was let in")

    async def ask() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.post("/v1/wipe")).status_code

    assert asyncio.run(ask()) == 401


def test_websocket_is_closed(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def inner(*_: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    _, ring = ring_over(tmp_path, lambda: 0.0)
    asyncio.run(Gate(inner, ring, 900)({"type": "websocket", "path": "/"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_server_whose_keys_cannot_be_read_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"none\.json"):
        create_app(load_settings(keys=str(tmp_path / "none.json")))


def test_document_says_which_key_an_operation_needs(keyed: Keyed) -> None:
    document = keyed.ask("GET", "/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    paths = document["paths"]
    assert paths["/v1/search"]["post"]["security"] == [{"key": ["read"]}]
    assert {"401", "403"} <= set(paths["/v1/search"]["post"]["responses"])
    assert "security" not in paths["/healthz"]["get"]
    assert "401" not in paths["/readyz"]["get"]["responses"]
    assert {"address": []} in paths["/v1/images/{key}"]["get"]["security"]


def test_document_of_a_server_without_keys_asks_for_none() -> None:
    document = create_app(Settings()).openapi()
    assert "securitySchemes" not in document["components"]
    assert "security" not in document["paths"]["/v1/search"]["post"]
