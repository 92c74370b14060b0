"""A server as an index: ours, a stranger, and none at all."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from models.images import Limits
from service.asking import Asked, Question
from service.info import describe
from service.opening import Opened
from service.query import ImageExample, Query, Term
from service.remote import PICTURE_PROBLEM, RemoteError, RemoteIndex, is_remote
from service.settings import load_settings
from tests.serving import serving

QUERY = Query(terms=[Term(attribute="color", image=ImageExample(part="image"))], limit=3)


def of_picture(path: Path, query: Query = QUERY) -> Question:
    return Question(str(path), query, {"image": path})


@contextmanager
def stranger(status: int, body: bytes, kind: str = "application/json") -> Iterator[str]:
    """Yield the address of a server that answers everything with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def remote(address: str) -> Iterator[RemoteIndex]:
    index = RemoteIndex(address, Limits())
    try:
        yield index
    finally:
        index.close()


def ask(address: str, *paths: Path) -> list[Asked]:
    with remote(address) as index:
        return list(index.ask([of_picture(path) for path in paths]))


def test_only_addresses_of_servers_are_remote() -> None:
    assert is_remote("http://a")
    assert is_remote("https://a:1/b")
    assert not is_remote("http")
    assert not is_remote("/a/http://b")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"{}", "application/json"),
        (200, b"[]", "application/json"),
        (404, b"[]", "application/json"),
        (200, b"<html>hello</html>", "text/html"),
        (502, b"<html>bad gateway</html>", "text/html"),
        (200, b"", "application/json"),
        (200, b"\xff\xfe\xff", "application/json"),
        (301, b"moved", "text/plain"),
    ],
)
def test_stranger_is_told_from_hueweave(
    pictures: Path, status: int, body: bytes, kind: str
) -> None:
    with stranger(status, body, kind) as address:
        with remote(address) as index, pytest.raises(RemoteError, match="as hueweave does"):
            index.info()
        with pytest.raises(RemoteError, match=f"{address} does not answer as hueweave does"):
            ask(address, pictures / "000.png")


def test_server_that_is_not_there_is_named(pictures: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(RemoteError, match=f"cannot reach {address}"):
        ask(address, pictures / "000.png")


def test_server_that_hangs_up_is_named(pictures: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(RemoteError, match=f"cannot reach {address}"):
            ask(address, pictures / "000.png")
        thread.join()


@pytest.mark.parametrize("address", ["http://", "http://a b", "http://127.0.0.1:99999"])
def test_address_that_is_none_is_an_error_of_ours(address: str) -> None:
    with pytest.raises(RemoteError, match="cannot reach"), remote(address) as index:
        index.info()


def test_problem_of_a_picture_is_its_own_and_any_other_ends_the_asking(pictures: Path) -> None:
    fault = {"type": PICTURE_PROBLEM, "detail": "it is no picture"}
    with stranger(422, json.dumps(fault).encode()) as address:
        asked = ask(address, pictures / "000.png", pictures / "001.png")
        assert [one.problem for one in asked] == ["it is no picture"] * 2
    with (
        stranger(422, b'{"type": "urn:hueweave:query", "detail": "no such thing"}') as address,
        pytest.raises(RemoteError, match="no such thing"),
    ):
        ask(address, pictures / "000.png")


def test_problem_without_words_gives_those_of_its_status() -> None:
    with stranger(503, b"{}") as address, remote(address) as index:
        with pytest.raises(RemoteError, match="Service Unavailable"):
            index.info()
        assert index.picture("a") is None


def test_picture_past_the_limit_here_is_never_sent(pictures: Path) -> None:
    with stranger(200, b"{}") as address:
        index = RemoteIndex(address, Limits(max_bytes=3))
        (one,) = index.ask([of_picture(pictures / "000.png")])
        index.close()
    assert "the limit is 3" in str(one.problem)


def test_server_gives_what_its_index_gives(opened: Opened, pictures: Path) -> None:
    (pictures / "bad.png").write_bytes(b"no")
    names = ("003.png", "bad.png", "none.png")
    with serving(opened, load_settings()) as client, remote(f"{client.base_url}/") as index:
        assert index.info() == describe(opened.store)
        asked = list(index.ask([of_picture(pictures / name) for name in names]))
        good = asked[0].answer
        assert good is not None
        assert [good.hits[0].key, len(good.hits)] == ["003.png", 3]
        assert "not a picture" in str(asked[1].problem)
        assert "none.png" in str(asked[2].problem)
        assert (index.picture("003.png") or b"")[:4] == b"RIFF"
        (pictures / "003.png").unlink()
        assert index.picture("003.png") is None


def test_query_of_every_part_arrives_as_it_was_asked(opened: Opened, pictures: Path) -> None:
    asked_for = {
        "terms": [
            {
                "attribute": "color",
                "weight": 0.7,
                "image": {"part": "image", "mask": {"part": "m"}},
            },
            {"block": 2, "weight": -0.2, "image": [{"key": "001.png"}, {"key": "ä/?&.png"}]},
            {"attribute": "color", "palette": [{"hex": "#7a1f2b", "weight": 60}, {"any": 40}]},
        ],
        "filter": {"not": {"shows": "green"}},
        "limit": 4,
    }
    Image.new("L", (16, 16), 255).save(pictures / "white.png")
    query = Query.model_validate(asked_for)
    files = {"image": pictures / "004.png", "m": pictures / "white.png"}
    with serving(opened, load_settings()) as client, remote(str(client.base_url)) as index:
        with pytest.raises(RemoteError, match=r"terms\[1\].image\[1\].key: no item has the key"):
            list(index.ask([Question("all", query, files)]))
        query.terms[1].images.pop()
        (one,) = index.ask([Question("all", query, files)])
        (two,) = index.ask([Question("next", Query(cursor=one.answer.next_cursor, limit=4))])  # type: ignore[union-attr]
    assert one.answer is not None
    assert two.answer is not None
    here = opened.searcher.answer(
        query.model_copy(update={"limit": 8}),
        {name: path.read_bytes() for name, path in files.items()},
    )
    there = [*one.answer.hits, *two.answer.hits]
    assert [hit.key for hit in there] == [hit.key for hit in here.hits]
    assert [hit.score for hit in there] == pytest.approx([hit.score for hit in here.hits])
