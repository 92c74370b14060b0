"""An index that begins empty and lives: filled, searched, changed, in a folder and by REST."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from service.opening import open_index
from service.settings import load_settings
from tests.e2e.conftest import Command
from tests.serving import serving

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")

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


def test_commands_of_the_api_page_change_an_item(address: str, fabrics: Path) -> None:
    (block,) = re.findall(r"```sh\n(curl -X PUT -F.*?)```", API, re.DOTALL)
    statuses = []
    for command in block.replace("\\\n", " ").strip().splitlines():
        words = shlex.split(command)
        flags = list(pairwise(words))
        form = dict(word.split("=", 1) for flag, word in flags if flag == "-F")
        headers = dict(word.split(": ", 1) for flag, word in flags if flag == "-H")
        sent = {
            name: (fabrics.parent / "images" / Path(value).name).read_bytes()
            if value.startswith("@")
            else value.encode()
            for name, value in form.items()
        }
        answer = httpx.request(
            words[words.index("-X") + 1],
            address + httpx.URL(words[-1]).path,
            files=sent or None,
            headers=headers,
            content=next((word.encode() for flag, word in flags if flag == "-d"), None),
        )
        statuses.append(answer.status_code)
    assert statuses == [201, 200, 204]


def test_lines_of_the_api_page_are_answered_as_it_says(
    hueweave: Command, address: str, fabrics: Path
) -> None:
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    hueweave("add", picture, "--key", "b.jpg", "--index", address)
    asked, answered = re.findall(r"```\n(\{.*?)```", API, re.DOTALL)
    lines = asked.replace("…", base64.b64encode(picture.read_bytes()).decode())
    headers = {"content-type": "application/x-ndjson"}
    answer = httpx.post(f"{address}/v1/bulk", content=lines, headers=headers)
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        json.loads(line) for line in answered.splitlines()
    ]
