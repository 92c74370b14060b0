"""Every example of docs/queries.md: queries over REST, commands in the shell, curl as a form."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Command

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
DOCUMENTS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]

pytestmark = pytest.mark.e2e


@pytest.fixture
def demo(fabrics: Path, fabric_index: Path, tmp_path: Path) -> Path:
    """What `make demo` leaves, seen from the working folder, and a mask for its pictures."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "index").symlink_to(fabric_index)
    (folder / "fabrics").symlink_to(fabrics.parent)
    mask = Image.new("L", (160, 160), 0)
    mask.paste(255, (40, 40, 120, 120))
    mask.save(folder / "mask.png")
    return folder


def commands(start: str) -> list[str]:
    return [line for line in SHELL if line.startswith(start)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: json.dumps(one)[:60])
def test_query_of_the_page_is_answered(server: httpx.Client, document: dict[str, object]) -> None:
    if "query" in document:
        hit = server.post("/v1/explain", json=document)
        assert hit.status_code == 200, hit.text
        assert hit.json()["why"]["terms"]
        return
    answer = server.post("/v1/search", json=document)
    assert answer.status_code == 200, answer.text
    assert answer.json()["hits"]
    assert all(hit["why"] is not None for hit in answer.json()["hits"]) == bool(
        document.get("explain")
    )


@pytest.mark.parametrize("command", commands("hueweave"))
def test_command_of_the_page_is_answered(hueweave: Command, demo: Path, command: str) -> None:
    if "NEXT_CURSOR" in command:
        shown = next(line for line in commands("hueweave") if line.endswith("--json"))
        page = hueweave(*shlex.split(shown)[1:])
        command = command.replace("NEXT_CURSOR", json.loads(page.out)["next_cursor"])
    done = hueweave(*shlex.split(command)[1:])
    assert done.code == 0, done.err
    assert done.out.strip()
    assert "nothing found" not in done.out


def test_explained_hits_are_drawn(hueweave: Command, demo: Path) -> None:
    (command,) = [line for line in commands("hueweave") if "--explain" in line]
    assert hueweave(*shlex.split(command)[1:]).code == 0
    assert len(list((demo / "why").glob("*.png"))) == 3


@pytest.mark.parametrize("command", commands("curl"))
def test_curl_of_the_page_is_answered(server: httpx.Client, demo: Path, command: str) -> None:
    words = shlex.split(command)
    form = dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-F")
    files = {
        name: Path(value[1:]).read_bytes() for name, value in form.items() if value.startswith("@")
    }
    fields = {name: value for name, value in form.items() if not value.startswith("@")}
    answer = server.post(httpx.URL(words[-1]).path, data=fields, files=files)
    assert answer.status_code == 200, answer.text
    assert answer.json()["hits"]


def test_page_shows_every_part_of_a_query() -> None:
    for word in ("weight", "palette", "any", "region", "mask", "background", "filter", "min_score",
                 "explain", "collapse", "cursor"):  # fmt: skip
        assert word in PAGE
