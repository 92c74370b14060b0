"""Starting: the server listens at once, and answers queries once index and network are loaded."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import indexer.following
import service.opening
from api.app import create_app
from api.main import run
from indexer.errors import IndexFolderError
from models.errors import WeightsError
from service.indexes import Indexes
from service.opening import Opened
from service.places import SinglePlace
from service.settings import Settings
from tests.api.test_indexes import until_ready
from tests.fakes import FakeExtractor, build_fake
from tests.roots import Recorder, make_root, root_indexes
from tests.serving import running


class Gate(Recorder):
    """Opens an index once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, folder: Path) -> Opened:
        self.begun.set()
        self.open.wait(30)
        return super().__call__(folder)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def refuse(error: BaseException) -> None:
    raise AssertionError(error)


def test_while_the_index_is_loaded_only_the_process_is_alive(
    fake_index: Path, gate: Gate, settings: Settings
) -> None:
    indexes = Indexes(SinglePlace(fake_index), gate)
    with running(create_app(settings, indexes=indexes, on_failure=refuse), settings) as client:
        gate.begun.wait(30)
        assert client.get("/healthz").status_code == 200
        assert client.get("/docs").status_code == 200
        for method, path in (
            ("GET", "/readyz"),
            ("GET", "/v1/index"),
            ("GET", "/v1/indexes"),
            ("POST", "/v1/search"),
            ("GET", "/v1/indexes/default/index"),
            ("GET", "/v1/nothing"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
            assert "the index is being loaded" in answer.json()["detail"]
        gate.open.set()
        until_ready(client)
        assert client.get("/v1/index").json()["items"] == 20
    assert (gate.opened, gate.closed) == (["index"], ["index"])


def test_server_that_stops_while_it_loads_does_not_wait_and_closes_what_was_opened(
    fake_index: Path, gate: Gate, settings: Settings
) -> None:
    indexes = Indexes(SinglePlace(fake_index), gate)
    with running(create_app(settings, indexes=indexes, on_failure=refuse), settings):
        gate.begun.wait(30)
    assert gate.opened == []
    gate.open.set()
    (loading,) = [one for one in threading.enumerate() if one.name == "loading"]
    loading.join()
    assert (gate.opened, gate.closed) == (["index"], ["index"])


def test_other_indexes_are_answered_while_one_is_being_opened(
    tmp_path: Path, gate: Gate, settings: Settings
) -> None:
    root = make_root(tmp_path, default=3, other=4)
    indexes = root_indexes(root, gate)
    gate.open.set()
    with running(create_app(settings, indexes=indexes), settings) as client:
        until_ready(client)
        gate.begun.clear()
        gate.open.clear()
        answers: list[httpx.Response] = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(
                    httpx.get(f"{client.base_url}/v1/indexes/other/index", timeout=30)
                )
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        gate.begun.wait(30)
        assert client.get("/v1/index").json()["items"] == 3
        assert client.get("/readyz").status_code == 200
        gate.open.set()
        for thread in threads:
            thread.join()
    assert [answer.json()["items"] for answer in answers] == [4, 4, 4]
    assert gate.opened == ["default", "other"]


def test_root_without_indexes_is_ready_and_says_that_there_are_none(
    tmp_path: Path, settings: Settings
) -> None:
    root = make_root(tmp_path)
    app = create_app(settings, indexes=root_indexes(root), on_failure=refuse)
    with running(app, settings) as client:
        until_ready(client)
        assert client.get("/v1/indexes").json()["indexes"] == []
        answer = client.get("/v1/index")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert "there are none" in answer.json()["detail"]


def test_index_whose_first_build_has_not_ended_is_asked_for_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer.following, "SCANNED", 3)
    root = make_root(tmp_path, default=6)
    with pytest.raises(KeyboardInterrupt):
        build_fake(root / "half", tmp_path / "default", extractor=FakeExtractor(after=4))
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        until_ready(client)
        answer = client.get("/v1/indexes/half/index")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "index 'half' is unfinished" in answer.json()["detail"]
        build_fake(root / "half", tmp_path / "default")
        assert client.get("/v1/indexes/half/index").json()["items"] == 6


def test_index_that_is_damaged_is_the_server_s_trouble_and_others_go_on(
    tmp_path: Path, settings: Settings
) -> None:
    root = make_root(tmp_path, default=3, other=3)
    (root / "other" / "catalog.sqlite").write_bytes(b"no catalog")
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        until_ready(client)
        answer = client.get("/v1/indexes/other/index")
        assert answer.status_code == 500
        assert str(root) not in answer.text
        assert client.get("/v1/index").status_code == 200


def serve(*arguments: object) -> int:
    return run(["serve", "--port", "0", *map(str, arguments)])


def one_error(capsys: pytest.CaptureFixture[str]) -> tuple[str, bool]:
    """Return the one line of error, and whether the server listened before."""
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in said
    return line, "listening on" in said


def test_what_can_be_seen_at_once_is_said_before_the_server_listens(
    tmp_path: Path, fake_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve("--index", tmp_path / "none") == 2
    assert one_error(capsys) == (
        f"error: no index at '{tmp_path}/none': make one with `hueweave build`",
        False,
    )
    assert serve("--index", fake_index, "--root", tmp_path) == 2
    line, listened = one_error(capsys)
    assert ("leave out root" in line, listened) == (True, False)


def test_network_that_cannot_be_loaded_ends_the_server_with_one_line(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise WeightsError("no such weights")

    monkeypatch.setattr(service.opening, "pinned_extractor", missing)
    assert serve("--index", fake_index) == WeightsError.exit_code
    assert one_error(capsys) == ("error: no such weights", True)


def test_damaged_index_ends_the_server_with_one_line(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise IndexFolderError("it is damaged")

    monkeypatch.setattr(service.opening, "LocalStore", damaged)
    assert serve("--index", fake_index) == IndexFolderError.exit_code
    assert one_error(capsys) == ("error: it is damaged", True)


def test_server_started_by_others_ends_its_process_when_loading_fails(
    fake_index: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import api.loading

    def damaged(*_: object) -> Opened:
        raise IndexFolderError("it is damaged")

    raised: list[int] = []
    told = threading.Event()

    def signal(number: int) -> None:
        raised.append(number)
        told.set()

    monkeypatch.setattr(api.loading.signal, "raise_signal", signal)
    app = create_app(settings, indexes=Indexes(SinglePlace(fake_index), damaged))
    with running(app, settings) as client:
        assert told.wait(30)
        assert client.get("/readyz").status_code == 503
    assert raised == [15]
    assert "it is damaged" in caplog.text
