"""The serve command: a port that cannot be had, and clients that leave."""

import socket
from pathlib import Path

import httpx
import pytest

from api.main import run
from service.opening import Opened
from service.settings import Settings
from tests.serving import serving


def test_port_in_use_is_one_line_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", "--index", "none", "--port", str(port)]) == 2
    shown = capsys.readouterr().err
    assert f"error: cannot listen on 127.0.0.1:{port}: Address already in use" in shown


def test_address_of_another_machine_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--index", "none", "--host", "192.0.2.1", "--port", "0"]) == 2
    assert "error: cannot listen on 192.0.2.1:0" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image"])
def test_client_that_leaves_in_the_middle_of_its_upload_leaves_no_trace(
    opened: Opened, settings: Settings, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(opened, settings) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as left:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            )
            left.sendall(head.encode())
        assert client.get("/healthz").status_code == 200
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_field_sent_twice_is_refused(still_client: httpx.Client, pictures: Path) -> None:
    data = (pictures / "000.png").read_bytes()
    files = [("image", ("a.png", data)), ("image", ("b.png", data))]
    answer = still_client.post("/v1/search/image", files=files, data={"attribute": "color"})
    assert answer.status_code == 422
    assert "'image' was sent more than once" in answer.json()["detail"]


def test_text_beside_the_query_is_refused_by_name(still_client: httpx.Client) -> None:
    query = '{"terms": [{"attribute": "color", "image": {"key": "003.png"}}]}'
    answer = still_client.post("/v1/search", data={"query": query, "limit": "5"}, files={"a": b"x"})
    assert answer.status_code == 422
    assert "'limit' is text" in answer.json()["detail"]


def test_wrong_types_are_not_bent_into_right_ones(still_client: httpx.Client) -> None:
    term = {"attribute": "color", "image": {"key": "003.png"}}
    for wrong in ({"terms": [term], "limit": True}, {"terms": [{**term, "weight": "1"}]}):
        assert still_client.post("/v1/search", json=wrong).status_code == 422


def test_range_is_not_offered_and_not_followed(still_client: httpx.Client) -> None:
    whole = still_client.get("/v1/images/000.png")
    asked = still_client.get("/v1/images/000.png", headers={"range": "bytes=oops"})
    assert (asked.status_code, asked.content) == (200, whole.content)
    assert whole.headers["accept-ranges"] == "none"
