"""Headers that every answer carries, and the policy of the documentation page."""

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from service.opening import Opened
from service.settings import Settings
from tests.api.keyed import keyed_server
from tests.serving import serving

STRICT = "default-src 'none'; frame-ancestors 'none'"
EXPECTED = {
    "content-security-policy": STRICT,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
CALLS = [
    ("GET", "/v1/index", {}, 200),
    ("HEAD", "/v1/index", {}, 200),
    ("GET", "/v1/images/000.png", {}, 200),
    ("GET", "/v1/thumbnails/000.png", {}, 200),
    ("GET", "/v1/images/000.png", {"if-none-match": "*"}, 304),
    ("GET", "/healthz", {}, 200),
    ("GET", "/", {}, 307),
    ("GET", "/openapi.json", {}, 200),
    ("GET", "/static-offline-docs/swagger-ui.css", {}, 200),
    ("GET", "/static-offline-docs/none", {}, 404),
    ("GET", "/nothing", {}, 404),
    ("DELETE", "/v1/index", {}, 405),
    ("POST", "/v1/search", {}, 422),
    ("POST", "/v1/search", {"origin": "https://evil.example"}, 403),
    ("GET", "/v1/index", {"host": "evil.example"}, 421),
]


def check(answer: httpx.Response) -> None:
    for name, value in EXPECTED.items():
        assert answer.headers.get_list(name) == [value], name
    assert "server" not in answer.headers or "hueweave" not in answer.headers["server"]


@pytest.mark.parametrize(("method", "path", "headers", "status"), CALLS)
def test_every_answer_carries_each_header_once(
    still_client: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = still_client.request(method, path, headers=headers)
    assert answer.status_code == status
    check(answer)


def test_refusal_for_want_of_a_key_carries_them(opened: Opened, tmp_path: Path) -> None:
    with keyed_server(opened, tmp_path) as keyed:
        answer = keyed.ask("GET", "/v1/index")
    assert answer.status_code == 401
    check(answer)


def test_failure_of_the_server_carries_them(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.store, "count", None)
    with serving(opened, settings) as client:
        answer = client.get("/v1/index")
    assert answer.status_code == 500
    check(answer)


def test_answers_are_not_kept_and_pictures_say_themselves_how_long(
    still_client: httpx.Client,
) -> None:
    assert still_client.get("/v1/items").headers["cache-control"] == "no-store"
    picture = still_client.get("/v1/images/000.png").headers["cache-control"]
    assert picture == "private, max-age=0, must-revalidate"
    style = still_client.get("/static-offline-docs/swagger-ui.css")
    assert "cache-control" not in style.headers


def test_documentation_page_runs_its_own_scripts_only(still_client: httpx.Client) -> None:
    page = still_client.get("/docs")
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.pop("script-src") == f"'self' 'sha256-{digest}'"
    assert policy.pop("img-src") == "'self' data:"
    assert policy.pop("style-src") == policy.pop("connect-src") == "'self'"
    assert set(policy) == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert set(policy.values()) == {"'none'"}
    assert not re.search(r"\son\w+=|style=|javascript:", page.text)
