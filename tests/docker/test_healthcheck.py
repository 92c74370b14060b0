"""The health check, asked of real servers."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from api.app import create_app
from service.settings import Settings
from tests.docker.files import DOCKER


class Server(HTTPServer):
    """Answers every request with one status and keeps the paths asked for."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """See Server."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that answers with the status given as the fixture's parameter."""
    with Server(request.param) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask_health(port: int) -> int:
    # A proxy that nobody answers at: a check that went through it would fail.
    environment = {"HUEWEAVE_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-I", DOCKER / "healthcheck.py"]
    return subprocess.run(command, env=environment, capture_output=True).returncode


@pytest.mark.parametrize("server", [200], indirect=True)
def test_a_server_that_is_ready_is_healthy_and_asked_at_a_route_of_the_api(server: Server) -> None:
    assert ask_health(server.server_port) == 0
    assert server.asked == ["/readyz"]
    assert server.asked[0] in create_app(Settings()).openapi()["paths"]


@pytest.mark.parametrize("server", [503], indirect=True)
def test_a_server_that_is_not_ready_is_not_healthy(server: Server) -> None:
    assert ask_health(server.server_port) == 1


def test_no_server_is_not_healthy() -> None:
    with Server(200) as closed:
        port = closed.server_port
    assert ask_health(port) == 1
