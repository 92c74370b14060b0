"""The command `alias`: in a folder of indexes, and on a running server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.main import run
from service.settings import load_settings
from tests.roots import make_root, root_indexes
from tests.serving import running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path, shop_1=3, shop_2=4)


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    settings = load_settings(root=str(root))
    indexes = root_indexes(root)
    with running(create_app(settings, indexes=indexes), settings) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield str(client.base_url)


@pytest.fixture(params=["root", "server", "index of a server"])
def place(request: pytest.FixtureRequest, root: Path) -> list[str]:
    if request.param == "root":
        return ["--root", str(root)]
    address: str = request.getfixturevalue("address")
    return ["--index", f"{address}/v1/indexes/shop-1" if "of" in request.param else address]


def aliases(root: Path) -> object:
    return json.loads((root / "aliases.json").read_text())


def test_alias_is_set_listed_switched_and_removed(
    place: list[str], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in ("shop-1", "shop-2"):
        assert run(["alias", "shop", index, *place]) == 0
        assert aliases(root) == {"shop": index}
    assert capsys.readouterr().out == ""
    assert run(["alias", *place]) == 0
    assert capsys.readouterr().out == "shop → shop-2\n"
    assert run(["alias", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"shop": "shop-2"}
    assert run(["alias", "shop", "--remove", *place]) == 0
    assert aliases(root) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shop", "none"], "there is no index 'none': there are shop-1, shop-2"),
        (["shop-1", "shop-2"], "'shop-1' is the name of an index"),
        (["none", "--remove"], "there is no alias 'none': there are none"),
        (["shop"], "name the index that 'shop' is to stand for, or give --remove"),
        (["shop", "shop-1", "--remove"], "--remove takes the name of an alias and nothing else"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(
    place: list[str],
    root: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["alias", *arguments, *place]) == 2
    assert f"error: {words}" in capsys.readouterr().err
    assert not (root / "aliases.json").exists()


def test_neither_folder_nor_server_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alias", "--index", "folder"]) == 2
    assert (
        "error: no folder of indexes is given: name it with --root DIR" in capsys.readouterr().err
    )


def test_index_of_a_server_is_asked_by_its_address(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alias", "shop", "shop-2", "--index", address]) == 0
    for name, count in (("shop-1", 3), ("shop-2", 4), ("shop", 4)):
        assert run(["info", "--json", "--index", f"{address}/v1/indexes/{name}/"]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == count
    assert run(["info", "--index", address]) == 2
    assert "there is no default index" in capsys.readouterr().err
