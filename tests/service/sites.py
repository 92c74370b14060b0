"""A web server on loopback that answers as a test says."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """Answers by path; keeps what it was asked."""

    def __init__(self, port: int, answers: dict[str, Answer]) -> None:
        self.port, self.answers = port, answers
        self.asked: list[tuple[str, dict[str, str]]] = []


@contextmanager
def site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Yield a server of nothing yet: a test puts answers into ``answers``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            self.close_connection = True
            found.answers[self.path](self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients that leave early are what is tested

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    found = Site(server.server_port, {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sent(data: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes; a header's name has _ for -."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(data))} | given).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def moved(to: str, status: int = 302) -> Answer:
    """Answer with a redirect."""
    return sent(b"", status, Location=to)


def endless(start: bytes, drop: bytes) -> Answer:
    """Answer with ``start`` and then with ``drop`` until the client leaves."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        while True:
            handler.wfile.write(drop)

    return answer
