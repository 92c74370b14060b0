"""`hueweave palette`: colors of pictures, in text and in JSON."""

import json
from pathlib import Path

import pytest
from PIL import Image

from api.main import run
from service.palette import MAX_COLORS


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A picture of one color, and one of two halves."""
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    image = Image.new("RGB", (60, 60), "#7a1f2b")
    image.save(one)
    image.paste("#204080", (0, 0, 30, 60))
    image.save(two)
    return one, two


def test_table_has_rank_share_hex_and_name(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["palette", *map(str, pair)]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        str(pair[0]),
        "    1  100.0%  #7a1f2b  red",
        str(pair[1]),
    ]


def test_json_is_an_object_a_line(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["palette", *map(str, pair), "--json", "--colors", "1"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["image"] for one in found] == [str(path) for path in pair]
    assert found[0]["colors"] == [{"rank": 1, "weight": 1.0, "hex": "#7a1f2b", "name": "red"}]
    assert len(found[1]["colors"]) == 1


def test_a_bad_picture_is_named_and_the_others_are_shown(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    arguments = [tmp_path / "bad.png", tmp_path / "none.png", pair[0], tmp_path]
    assert run(["palette", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == str(pair[0])
    errors = captured.err.splitlines()
    assert len(errors) == 3
    assert "bad.png: it is not a picture" in errors[0]
    assert "no file at" in errors[1]
    assert "not a regular file" in errors[2]


def test_limits_come_from_the_settings(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # put back afterwards: limits set it
    assert run(["palette", str(pair[0]), "--max-pixels", "100"]) == 2
    assert "3,600 pixels, the limit is 100" in capsys.readouterr().err
    monkeypatch.setenv("HUEWEAVE_MAX_BYTES", "10")
    assert run(["palette", str(pair[0])]) == 2
    assert "the limit is 10" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["a.png", "--colors", "0"], ["a.png", "--colors", str(MAX_COLORS + 1)]]
)
def test_a_call_that_cannot_be_parsed_exits_with_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["palette", *arguments]) == 2
    assert "Usage: hueweave palette" in capsys.readouterr().err
