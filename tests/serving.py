"""A real server on a free port, for tests of what only a real server does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.server import make_server
from service.opening import Opened
from service.settings import Settings


@contextmanager
def serving(opened: Opened, settings: Settings) -> Iterator[httpx.Client]:
    """Yield a client of a real server of one index."""
    with running(create_app(settings, opened), settings) as client:
        yield client


@contextmanager
def running(app: FastAPI, settings: Settings) -> Iterator[httpx.Client]:
    """Yield a client of a real server. Its socket listens before it runs, so nothing waits."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(app, settings, configure_logging=False)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        host, port = listener.getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
