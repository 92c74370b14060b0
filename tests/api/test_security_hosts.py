"""The Host header: names that are not the server's own are refused."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from api.security.hosts import host_of, is_address, known_names
from service.opening import Opened
from service.settings import Settings, load_settings
from tests.serving import serving

GOOD = [
    "127.0.0.1", "127.0.0.1:8000", "localhost", "LocalHost:1", "localhost.", "[::1]", "[::1]:8000",
    "192.0.2.7", "[2001:db8::7]:443", socket.gethostname(), f"{socket.gethostname()}:80",
    "search.example", "SEARCH.example:443", "other.example.",
]  # fmt: skip
BAD = [
    "evil.example", "evil.example:8000", "search.example.evil.example", "xsearch.example",
    "a.search.example", "127.0.0.1.evil.example", "localhost.evil.example", "2130706433", "127.1",
    "0x7f000001", "[::1].evil.example",
]  # fmt: skip
BROKEN = [
    "", "a b", "user@localhost", "localhost/", "localhost:8000:1", "localhost:x", "[localhost]",
    "::1", "localhost,evil.example",
]  # fmt: skip


@pytest.fixture
def server(opened: Opened) -> Iterator[httpx.Client]:
    with serving(opened, load_settings(hosts="search.example, Other.Example")) as client:
        yield client


@pytest.mark.parametrize("host", GOOD)
def test_addresses_and_the_server_s_own_names_are_accepted(host: str) -> None:
    names = known_names("127.0.0.1", ("search.example", "other.example"))
    found = host_of(host)
    assert found is not None
    assert found in names or is_address(found)


@pytest.mark.parametrize("host", BAD)
def test_other_names_are_not(host: str) -> None:
    names = known_names("127.0.0.1", ("search.example", "other.example"))
    found = host_of(host)
    assert found is None or not (found in names or is_address(found))


@pytest.mark.parametrize("host", BROKEN)
def test_what_is_no_host_is_none(host: str) -> None:
    assert host_of(host) is None


def test_server_answers_under_its_names_only(server: httpx.Client) -> None:
    for host in ("localhost:1", "search.example", "other.example:443", "[::1]:8000"):
        assert server.get("/healthz", headers={"host": host}).status_code == 200
    for path in ("/healthz", "/v1/index", "/docs", "/nothing", "/v1/images/000.png"):
        answer = server.get(path, headers={"host": "rebound.example:8000"})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
        assert "'rebound.example'" in answer.json()["detail"]
        assert "setting 'hosts'" in answer.json()["detail"]


def test_bound_name_is_the_server_s_own() -> None:
    assert "box.lan" in known_names("Box.LAN", ())


def test_star_accepts_any_name(opened: Opened) -> None:
    with serving(opened, load_settings(hosts="*")) as client:
        assert client.get("/healthz", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", b"200"),
        (
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: a\r\nConnection: close\r\n\r\n",
            b"400",
        ),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"421"),
    ],
)
def test_no_host_or_two_are_refused(
    opened: Opened, settings: Settings, head: bytes, status: bytes
) -> None:
    with serving(opened, settings) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port or 0), timeout=30) as sent:
            sent.sendall(head)
            assert sent.recv(100).split(b" ")[1] == status
