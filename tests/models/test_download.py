"""Downloads appear whole, checked, or not at all; served from this machine only."""

import hashlib
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from models.download import checkpoint_path, fetch, mirrored
from models.errors import WeightsError, WeightsUnavailableError

DATA = bytes(range(256)) * 10_000
NAME = f"net-{hashlib.sha256(DATA).hexdigest()[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    """/half/… promises more than it sends, /gone/… is not there, /moved/… is elsewhere."""

    def do_GET(self) -> None:
        if self.path.startswith("/gone/"):
            self.send_error(404)
            return
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/moved/", "/here/"))
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA[: len(DATA) // 2] if self.path.startswith("/half/") else DATA)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_a_file_is_fetched_whole_and_its_progress_told(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "new" / "folder" / NAME
    assert fetch(f"{server}/{NAME}", path, lambda *step: told.append(step)) == path
    assert path.read_bytes() == DATA
    assert [step[0] for step in told] == [NAME] * len(told)
    assert [step[1] for step in told] == sorted(step[1] for step in told)
    assert told[-1] == (NAME, len(DATA), len(DATA))
    assert list(path.parent.iterdir()) == [path]


def test_a_fetched_file_is_as_readable_as_any_other(server: str, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    path = fetch(f"{server}/{NAME}", tmp_path / NAME)
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_redirects_are_followed(server: str, tmp_path: Path) -> None:
    assert fetch(f"{server}/moved/{NAME}", tmp_path / NAME).read_bytes() == DATA


def test_a_name_without_digits_is_not_checked(server: str, tmp_path: Path) -> None:
    assert fetch(f"{server}/net.pth", tmp_path / "net.pth").read_bytes() == DATA


def test_a_file_unlike_its_name_is_refused_and_not_kept(server: str, tmp_path: Path) -> None:
    found = hashlib.sha256(DATA).hexdigest()[:8]
    with pytest.raises(WeightsError, match=rf"begins with {found}, expected 0badcafe") as caught:
        fetch(f"{server}/net-0badcafe.pth", tmp_path / "net-0badcafe.pth")
    assert not isinstance(caught.value, WeightsUnavailableError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [NAME, "net.pth"])
def test_half_a_file_is_not_kept(name: str, server: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=rf"cannot download {server}/half/{name}: .+"):
        fetch(f"{server}/half/{name}", tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_unavailable(server: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=rf"{server}/gone/{NAME}: HTTP 404"):
        fetch(f"{server}/gone/{NAME}", tmp_path / NAME)
    assert not list(tmp_path.iterdir())


def test_a_host_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(WeightsUnavailableError, match=rf":{port}/{NAME}: .*refused"):
            fetch(f"http://127.0.0.1:{port}/{NAME}", tmp_path / NAME)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/net.pth", "http://\x01/net.pth", "net.pth"])
def test_an_address_that_is_none_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        fetch(url, tmp_path / "net.pth")
    assert url in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"cannot write weights to '.*file/net\.pth': \w+"):
        fetch(f"{server}/net.pth", tmp_path / "file" / "net.pth")


def test_an_interrupted_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server}/{NAME}", tmp_path / NAME, interrupt)
    assert not list(tmp_path.iterdir())


def test_a_mirror_stands_in_for_everything_before_the_file_name() -> None:
    url = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    assert mirrored(url, None) == url
    for mirror in ("http://mirror/a", "http://mirror/a/"):
        assert mirrored(url, mirror) == "http://mirror/a/resnet50-0676ba61.pth"


def test_weights_are_kept_where_torch_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    for home in (None, str(tmp_path)):
        for cache in (None, str(tmp_path / "cache")):
            for name, value in (("TORCH_HOME", home), ("XDG_CACHE_HOME", cache)):
                if value:
                    monkeypatch.setenv(name, value)
                else:
                    monkeypatch.delenv(name, raising=False)
            ours = checkpoint_path("https://host/models/net-12345678.pth")
            assert ours == Path(torch.hub.get_dir()) / "checkpoints" / "net-12345678.pth"
