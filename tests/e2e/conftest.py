"""Real pictures, the packaged network, and the command as a person runs it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.main import run
from service.fabrics import write_catalog
from service.opening import open_index
from service.settings import load_settings
from tests.bad_pictures import AWKWARD
from tests.serving import serving


@dataclass(frozen=True)
class Done:
    """What a command gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


def is_one_error(done: Done, words: str, code: int = 2) -> None:
    """Check the exit code and that stderr is one line of error with ``words`` in it."""
    assert done.code == code
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.err
    assert words in lines[0]
    assert "Traceback" not in done.err + done.out


def is_problem(answer: httpx.Response, words: str) -> None:
    """Check for a 4xx problem document with ``words`` in its detail."""
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


@pytest.fixture
def hueweave(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line in this process."""

    def command(*arguments: object) -> Done:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def fabrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample catalog of 100 pictures."""
    return write_catalog(tmp_path_factory.mktemp("fabrics"), per_class=1, size=160)


@pytest.fixture(scope="session")
def fabric_index(fabrics: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of it, made with the packaged efficientnet_lite0."""
    index = tmp_path_factory.mktemp("indexes") / "fabrics"
    arguments = ["build", str(fabrics), "--index", str(index), "--backbone", "efficientnet_lite0"]
    assert run(arguments) == 0
    return index


@pytest.fixture(scope="session")
def server(fabric_index: Path) -> Iterator[httpx.Client]:
    """A client of a real server over that index."""
    settings = load_settings(index=str(fabric_index))
    with serving(open_index(settings), settings) as client:
        yield client


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every awkward picture."""
    folder = tmp_path_factory.mktemp("awkward")
    for name, one in AWKWARD.items():
        (folder / name).write_bytes(one.make())
    return folder
