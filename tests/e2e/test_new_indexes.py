"""Indexes made, filled and swapped behind a running server, by commands alone."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from service.settings import load_settings
from tests.e2e.conftest import Command
from tests.serving import running

CLI = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
LITE = ("--backbone", "efficientnet_lite0")
FIRST = [f"{color}-dots-0.jpg" for color in ("red", "blue", "green", "black", "yellow")]
SECOND = [f"{color}-plain-0.jpg" for color in ("red", "blue", "green", "black", "yellow")]

pytestmark = pytest.mark.e2e


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "indexes").mkdir()
    return tmp_path / "indexes"


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    """The address of a server of a folder without an index, which is ready at once."""
    settings = load_settings(root=str(root))
    with running(create_app(settings), settings) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield str(client.base_url)


def test_index_is_made_beside_another_and_takes_its_place(
    hueweave: Command, address: str, root: Path, fabrics: Path
) -> None:
    images, shop = fabrics.parent / "images", f"{address}/v1/indexes/shop"
    for name, pictures in (("shop-1", FIRST), ("shop-2", SECOND)):
        index = f"{address}/v1/indexes/{name}"
        assert hueweave("init", "--index", index, *LITE).code == 0
        added = hueweave("add", *(images / one for one in pictures), "--index", index)
        assert added.out == "5 items in the index (5 added)\n"
        assert hueweave("alias", "shop", name, "--index", address).code == 0
        asked = ("query", images / "red-dots-0.jpg", "-a", "color", "--json", "--index", shop)
        keys = [hit["key"] for hit in json.loads(hueweave(*asked).out)["hits"]]
        assert sorted(keys) == sorted(pictures)
        assert keys[0] == pictures[0]
    for name in ("shop-1", "shop-2"):
        assert hueweave("verify", "--index", root / name, "--pictures").code == 0


def test_example_of_the_command_s_page_works(
    hueweave: Command,
    address: str,
    fabrics: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (example,) = re.findall(r"```sh\n(hueweave init --index http.*?)```", CLI, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUEWEAVE_BACKBONE", "efficientnet_lite0")
    (tmp_path / "autumn").symlink_to(fabrics.parent / "images")
    lines = example.replace("http://127.0.0.1:8000", address).splitlines()
    assert len(lines) == 3
    for line in lines:
        assert hueweave(*shlex.split(line)[1:]).code == 0, line
    found = json.loads(hueweave("info", "--index", f"{address}/v1/indexes/shop", "--json").out)
    assert found["items"] == 100
