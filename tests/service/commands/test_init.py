"""The command `init`: in a folder, and on a running server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import models.loading
import service.building
from api.app import create_app
from api.main import run
from indexer.manifest_file import read_manifest
from models.loading import Loaded
from service.keys_file import KeysFile
from service.settings import load_settings
from tests.fakes import FAKE, RECIPE, FakeExtractor
from tests.roots import root_indexes
from tests.serving import running


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake network, in place of any that is loaded for an index in a folder."""
    extractor: Any = FakeExtractor()
    monkeypatch.setattr(models.loading, "load_new", lambda *_: Loaded(RECIPE, extractor))
    monkeypatch.setattr(service.building, "get_backbone", lambda name: FAKE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def key(tmp_path: Path) -> str:
    return KeysFile(tmp_path / "keys.json").create("me", "admin")[1]


@pytest.fixture
def address(root: Path, tmp_path: Path, key: str) -> Iterator[str]:
    """The address of a server with keys."""
    settings = load_settings(root=str(root), keys=str(tmp_path / "keys.json"))
    with running(create_app(settings, indexes=root_indexes(root)), settings) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield str(client.base_url)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The index `shop-1` in both of its forms."""
    if request.param == "folder":
        return str(root / "shop-1")
    monkeypatch.setenv("HUEWEAVE_API_KEY", request.getfixturevalue("key"))
    return f"{request.getfixturevalue('address')}/v1/indexes/shop-1"


def test_empty_index_is_made_once_and_as_asked(
    place: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUEWEAVE_BLOCKS", "1-2")
    asked = ["init", "--index", place, "--metric", "l2", "--index-type", "SQ8"]
    assert run(asked) == 0
    assert capsys.readouterr().out == f"{place}\n"
    made = read_manifest(root / "shop-1")
    assert (made.blocks, made.index_type) == ((1, 2), "SQ8")
    assert {space.metric for space in made.spaces.values()} == {"l2"}
    assert run(asked) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{place}\n"
    assert "it is an index already; nothing was changed" in captured.err
    assert run(["init", "--index", place, "--preset", "paper"]) == 2
    assert "was made with preset 'default', not 'paper'" in capsys.readouterr().err


def test_int8_takes_pictures_which_an_empty_index_has_none_of(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUEWEAVE_PRECISION", "int8")
    assert run(["init", "--index", str(root / "shop-1")]) == 2
    assert "`hueweave build --precision int8` makes an index of it" in capsys.readouterr().err
    assert not (root / "shop-1").exists()


@pytest.mark.parametrize(
    ("behind", "flags", "words"),
    [
        ("", [], "names no index to make: write its name behind, as in http://"),
        ("/v1", [], "names no index to make"),
        ("/v1/indexes/.a", [], "path.name"),
        ("/v1/indexes/a", ["--metric", "l3"], "metric"),
        ("/v1/indexes/a", ["--weights", "a.pth"], "leave out --weights"),
        ("/v1/indexes/a", ["--weights-mirror", "http://b"], "leave out --weights"),
    ],
)
def test_what_a_server_cannot_make_is_one_line(
    address: str,
    key: str,
    root: Path,
    behind: str,
    flags: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUEWEAVE_API_KEY", key)
    assert run(["init", "--index", address + behind, *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert list(root.iterdir()) == []


def test_without_its_key_a_server_makes_none(
    address: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--index", f"{address}/v1/indexes/a"]) == 2
    assert "error: this needs a key" in capsys.readouterr().err
    assert list(root.iterdir()) == []


def test_server_says_which_backbone_it_chose(
    address: str, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUEWEAVE_API_KEY", key)
    assert run(["init", "--index", f"{address}/v1/indexes/a"]) == 0
    assert f"its backbone is {RECIPE.backbone}" in capsys.readouterr().err
