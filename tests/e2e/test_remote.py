"""A running server in place of an index folder."""

import json
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Command

pytestmark = pytest.mark.e2e


@pytest.fixture
def address(server: httpx.Client) -> str:
    return str(server.base_url)


def test_server_gives_the_hits_of_its_folder(
    hueweave: Command, fabric_index: Path, fabrics: Path, address: str
) -> None:
    pictures = [fabrics.parent / "images" / f"{name}-0.jpg" for name in ("red-dots", "blue-plain")]
    asked = ("-a", "color", "--block", 3, "-k", 5, "--json")
    near = hueweave("query", *pictures, "--index", fabric_index, *asked)
    far = hueweave("query", *pictures, "--index", address, *asked)
    assert far.code == 0

    def keys(out: str) -> list[object]:
        lines = [json.loads(line) for line in out.splitlines()]
        return [(one["query"], [hit["key"] for hit in one["hits"]]) for one in lines]

    assert keys(far.out) == keys(near.out)
    assert len(keys(far.out)) == 4


def test_collage_is_drawn_from_the_server_s_pictures(
    hueweave: Command, fabrics: Path, address: str, tmp_path: Path
) -> None:
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    target = tmp_path / "answer.png"
    done = hueweave("query", picture, "--index", address, "-a", "color", "--collage", target)
    assert done.code == 0
    with Image.open(target) as image:
        red, green, blue = image.resize((1, 1), box=(224, 12, 424, 212)).getpixel((0, 0))
    assert red > green + 50
    assert red > blue + 50


def test_info_comes_from_the_server(hueweave: Command, address: str) -> None:
    assert json.loads(hueweave("info", "--index", address, "--json").out)["items"] == 100


def test_bad_picture_does_not_hide_the_others(
    hueweave: Command, fabrics: Path, address: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    good = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", bad, good, "--index", address, "-a", "color", "--json")
    assert done.code == 2
    assert "bad.jpg: terms[0].image, part 'image': it is not a picture" in done.err
    assert [json.loads(line)["query"] for line in done.out.splitlines()] == [str(good)]


def test_wrong_question_is_the_server_s_error(
    hueweave: Command, fabrics: Path, address: str
) -> None:
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", picture, "--index", address, "-a", "shape")
    assert (done.code, done.out) == (2, "")
    assert "error: unknown attribute 'shape': expected one of color, texture" in done.err


def test_server_that_is_not_there_is_one_line(hueweave: Command, fabrics: Path) -> None:
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", picture, "--index", "http://127.0.0.1:9", "-a", "color")
    assert done.code == 2
    assert "error: cannot reach http://127.0.0.1:9" in done.err


@pytest.mark.parametrize(
    "command", [["verify"], ["export", "o.npz", "--block", "1"], ["serve", "--port", "0"]]
)
def test_commands_that_need_the_folder_say_so(hueweave: Command, command: list[str]) -> None:
    done = hueweave(*command, "--index", "http://127.0.0.1:9")
    assert done.code == 2
    assert "this needs the index's folder" in done.err
