"""`hueweave facets`: counts as text and JSON, of a folder and of a server."""

import json
from pathlib import Path

import pytest

from api.main import run
from indexer.build import BuildOptions
from models.images import Limits
from service.settings import load_settings
from tests.api.conftest import open_fake
from tests.fakes import build_fake
from tests.serving import serving

RED = '{"column": "color", "eq": "red"}'


@pytest.fixture
def index(tmp_path: Path, pictures: Path) -> Path:
    """Four pictures with colors, prices and whether they are new."""
    rows = "000.png,red,1.5,true\n001.png,red,2,false\n002.png,blue,,true\n003.png,,9,\n"
    (pictures / "t.csv").write_text(f"path,color,price,new\n{rows}")
    options = BuildOptions(indexed_columns=("color", "price", "new"))
    build_fake(tmp_path / "index", pictures / "t.csv", options=options)
    return tmp_path / "index"


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(["facets", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_text_lists_values_others_and_those_without(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, "--index", index, "--limit", 1).splitlines()
    found = [line.split(maxsplit=1) for line in lines[: lines.index("colors shown")]]
    assert found == [
        ["items", "4"],
        ["color", "(text)"],
        ["2", "red"],
        ["1", "(other values)"],
        ["1", "(no value)"],
        ["new", "(boolean)"],
        ["2", "true"],
        ["1", "(other values)"],
        ["1", "(no value)"],
        ["price", "(number, 1.5 to 9.0)"],
        ["1", "1.5"],
        ["2", "(other values)"],
        ["1", "(no value)"],
    ]
    assert "#" in lines[-1]


def test_json_is_what_a_server_answers(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--filter", RED, "--column", "price", "--column", "color", "--json")
    here = json.loads(shown(capsys, "--index", index, *arguments))
    assert (here["count"], [one["column"] for one in here["columns"]]) == (2, ["price", "color"])
    with serving(open_fake(index, Limits()), load_settings()) as client:
        there = json.loads(shown(capsys, "--index", client.base_url, *arguments))
        everything = json.loads(shown(capsys, "--index", client.base_url, "--json"))
    assert there == here
    assert [one["column"] for one in everything["columns"]] == ["color", "new", "price"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "red"], "filter 'red' is not JSON"),
        (["--filter", '{"column": "new", "gt": 1}'], "column 'new' is boolean and has no order"),
        (["--column", "size"], "unknown metadata column 'size': expected one of color, new, price"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(
    index: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(["facets", "--index", str(index), *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("error: ") == 1
