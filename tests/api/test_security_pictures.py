"""Served pictures: the bytes that were indexed, and nothing else, whatever is asked for."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.opening import Opened
from service.settings import load_settings
from tests.serving import serving

KINDS = ["images", "thumbnails"]
PATHS = [
    "../secret.png", "..%2fsecret.png", "%2e%2e/secret.png", "%2e%2e%2fsecret.png",
    "..%5csecret.png", "..%252fsecret.png", "%252e%252e%252fsecret.png", "./../secret.png",
    "000.png/../../secret.png", "000.png%2f..%2f..%2fsecret.png", "..;/secret.png",
    "%c0%ae%c0%ae/secret.png", "000.png%00", "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd",
    "file:///etc/passwd", "../../../../../../etc/passwd", "{absolute}", "%2f{absolute}",
    "{pictures}/000.png", "secret.png", "~/secret.png", "", "."
]  # fmt: skip


@pytest.fixture
def secret(tmp_path: Path, pictures: Path) -> Path:
    """A picture beside the indexed folder that is not of the index."""
    path = tmp_path / "secret.png"
    path.write_bytes((pictures / "001.png").read_bytes() + b"secret")
    return path


def ask_raw(client: httpx.Client, path: str) -> bytes:
    """Send a path as it is, which no HTTP library would, and return all that comes back."""
    url = client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=30) as sent:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        sent.sendall(head.encode())
        return b"".join(iter(lambda: sent.recv(65536), b""))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_catalog(
    client: httpx.Client, secret: Path, pictures: Path, kind: str, path: str
) -> None:
    named = path.format(absolute=secret, pictures=pictures)
    answer = ask_raw(client, f"/v1/{kind}/{named}")
    assert answer.split(b" ")[1] in (b"404", b"405", b"400")
    assert b"\r\ncontent-type: application/problem+json\r\n" in answer
    assert b"root:" not in answer
    assert secret.read_bytes()[:50] not in answer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["secret", "/etc/passwd", "/dev/zero", "other"])
def test_link_that_took_a_picture_s_place_leads_nowhere(
    client: httpx.Client, pictures: Path, secret: Path, kind: str, target: str
) -> None:
    found = {"secret": secret, "other": pictures / "001.png"}.get(target, Path(target))
    (pictures / "000.png").unlink()
    (pictures / "000.png").symlink_to(found)
    answer = client.get(f"/v1/{kind}/000.png")
    assert answer.status_code == 404
    assert "has changed since it was indexed" in answer.json()["detail"]
    assert str(found) not in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_linked_folder_in_place_of_the_source_leads_nowhere(
    client: httpx.Client, pictures: Path, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "000.png").write_bytes((pictures / "001.png").read_bytes())
    pictures.rename(tmp_path / "moved")
    pictures.symlink_to(other)
    assert client.get(f"/v1/{kind}/000.png").status_code == 404


def test_other_bytes_of_the_same_size_and_time_are_not_served(
    client: httpx.Client, pictures: Path
) -> None:
    path = pictures / "000.png"
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    answer = client.get("/v1/images/000.png")
    assert answer.status_code == 404
    assert b"xx" not in answer.content


def test_same_bytes_are_served_though_the_file_was_touched_or_linked(
    client: httpx.Client, pictures: Path, tmp_path: Path
) -> None:
    path = pictures / "000.png"
    os.utime(path, (0, 0))
    data = path.read_bytes()
    assert client.get("/v1/images/000.png").content == data
    path.rename(tmp_path / "elsewhere.png")
    path.symlink_to(tmp_path / "elsewhere.png")
    assert client.get("/v1/images/000.png").content == data


@pytest.mark.parametrize("kind", KINDS)
def test_pipe_in_place_of_a_picture_is_not_waited_for(
    client: httpx.Client, pictures: Path, kind: str
) -> None:
    (pictures / "000.png").unlink()
    os.mkfifo(pictures / "000.png")
    assert client.get(f"/v1/{kind}/000.png").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_folder_in_place_of_a_picture_is_a_404(
    client: httpx.Client, pictures: Path, kind: str
) -> None:
    (pictures / "000.png").unlink()
    (pictures / "000.png").mkdir()
    assert client.get(f"/v1/{kind}/000.png").status_code == 404


@pytest.fixture
def grown(opened: Opened, pictures: Path) -> Iterator[httpx.Client]:
    """A server whose first picture grew past the limit since it was indexed."""
    with (pictures / "000.png").open("ab") as file:
        file.write(bytes(300_000))
    with serving(opened, load_settings(max_bytes=200_000)) as client:
        yield client


def test_no_more_than_the_limit_is_ever_read(grown: httpx.Client, pictures: Path) -> None:
    answer = grown.get("/v1/images/000.png")
    assert answer.status_code == 404
    assert "more bytes than the limit, 200,000" in answer.json()["detail"]
    assert str(pictures) not in answer.text


def test_static_files_of_the_page_lead_nowhere_else(client: httpx.Client) -> None:
    for path in (
        "../core.py",
        "..%2fcore.py",
        "%2e%2e/core.py",
        "%2fetc%2fpasswd",
        "a/../../core.py",
    ):
        answer = ask_raw(client, f"/static-offline-docs/{path}")
        assert answer.split(b" ")[1] == b"404"
        assert b"FastAPIOffline" not in answer
