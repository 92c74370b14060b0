"""An index that begins empty and lives: filled, searched, changed, in a folder and by REST."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.opening import open_index
from service.settings import load_settings
from tests.e2e.conftest import Command
from tests.serving import serving

pytestmark = pytest.mark.e2e


@pytest.fixture
def index(hueweave: Command, tmp_path: Path) -> Path:
    """An empty index for the packaged network."""
    index = tmp_path / "index"
    assert hueweave("init", "--index", index, "--backbone", "efficientnet_lite0").code == 0
    return index


@pytest.fixture
def address(index: Path) -> Iterator[str]:
    """A server of it."""
    settings = load_settings(index=str(index))
    with serving(open_index(settings), settings) as client:
        yield str(client.base_url)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest) -> str:
    """The index as ``--index`` names it, in both of its forms."""
    name = {"folder": "index", "server": "address"}[request.param]
    return str(request.getfixturevalue(name))


def hits(hueweave: Command, place: str, picture: Path, attribute: str) -> list[str]:
    done = hueweave("query", picture, "--index", place, "-a", attribute, "--json", "-k", 3)
    return [hit["key"] for hit in json.loads(done.out)["hits"]]


def test_index_that_began_empty_is_searchable_from_its_first_items_on(
    hueweave: Command, place: str, index: Path, fabrics: Path
) -> None:
    images = fabrics.parent / "images"
    names = ["red-dots-0.jpg", "red-plain-0.jpg", "blue-dots-0.jpg"]
    added = hueweave("add", *(images / name for name in names), "--index", place)
    assert (added.code, added.out) == (0, "3 items in the index (3 added)\n")
    assert hits(hueweave, place, images / names[0], "color") == names
    assert hits(hueweave, place, images / names[0], "texture") == [names[0], names[2], names[1]]

    info = json.loads(hueweave("info", "--index", place, "--json").out)
    assert info["statistics"] == {"items": 0, "provisional": True, "enough": 256}

    again = hueweave("add", *(images / name for name in names), "--index", place)
    assert again.out == "3 items in the index (3 unchanged)\n"

    removed = hueweave("remove", names[1], "nope", "--index", place)
    assert removed.code == 2
    assert "'nope'" in removed.err
    assert hits(hueweave, place, images / names[0], "color") == [names[0], names[2]]
    assert len(list((index / "media").glob("*/*"))) == 2
    assert hueweave("verify", "--index", index, "--pictures").code == 0


def test_table_is_added_with_its_metadata(
    hueweave: Command, place: str, fabrics: Path, index: Path
) -> None:
    added = hueweave("add", fabrics, "--index", place)
    assert (added.code, added.out) == (0, "100 items in the index (100 added)\n")
    found = hueweave("facets", "--index", place, "--column", "color")
    assert "10  red" in found.out
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    assert hits(hueweave, place, picture, "color")[0] == "images/red-dots-0.jpg"


def test_folder_and_server_change_one_index_in_turns(
    hueweave: Command, index: Path, address: str, fabrics: Path
) -> None:
    images = fabrics.parent / "images"
    one, two = images / "red-dots-0.jpg", images / "blue-dots-0.jpg"
    assert hueweave("add", one, "--index", address).code == 0
    assert hueweave("add", two, "--index", index).out == "2 items in the index (1 added)\n"
    httpx.post(f"{address}/v1/index/reload").raise_for_status()
    assert hits(hueweave, address, two, "color")[0] == two.name
    assert hueweave("remove", one.name, "--index", index).code == 0
    assert hueweave("remove", two.name, "--index", address).out.startswith("0 items")
