"""The real server, told to stop while it has something to do."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_factory import PATIENCE_S, QUERY, ROOT, SERVERS, address, ready

pytestmark = pytest.mark.e2e


def test_server_told_to_terminate_ends_what_is_under_way_and_then_with_zero(
    fabric_index: Path,
) -> None:
    body = json.dumps(QUERY).encode()
    head = (
        "POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: last\r\nExpect: 100-continue\r\n\r\n"
    )
    process = subprocess.Popen(
        [sys.executable, *SERVERS["hueweave"], "--log-format", "json"],
        cwd=ROOT,
        env={**os.environ, "HUEWEAVE_INDEX": str(fabric_index)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=address(process), timeout=30) as client:
            ready(client)
            place = client.base_url.host, client.base_url.port or 0
            with socket.create_connection(place, timeout=PATIENCE_S) as under_way:
                under_way.sendall(head.encode())
                assert under_way.recv(1000).startswith(b"HTTP/1.1 100 ")
                process.send_signal(signal.SIGTERM)
                while httpx.get(f"{client.base_url}/readyz").status_code == 200:
                    pass  # the signal is on its way
                assert httpx.get(f"{client.base_url}/readyz").status_code == 503
                under_way.sendall(body)
                answer = b""
                while chunk := under_way.recv(65536):
                    answer += chunk
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"images/red-dots-0.jpg" in answer
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "last"]
    assert (line["route"], line["status"]) == ("/v1/search", 200)
