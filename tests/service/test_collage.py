"""Collages, looked at pixel by pixel."""

from pathlib import Path

import pytest
from PIL import Image

from service.collage import (
    CAPTION,
    COLUMNS,
    GAP,
    MAX_TILES,
    TILE,
    CollageError,
    Row,
    Tile,
    draw_collage,
    write_collage,
)
from tests.bad_pictures import encode


@pytest.fixture
def red() -> bytes:
    return encode(Image.new("RGB", (64, 64), "#aa0000"), "PNG")


@pytest.fixture
def blue() -> bytes:
    return encode(Image.new("RGB", (128, 32), "#0000aa"), "PNG")


def middle(column: int, line: int) -> tuple[int, int]:
    x = GAP + column * (TILE + GAP) + TILE // 2
    return (x, GAP + line * (TILE + CAPTION + GAP) + TILE // 2)


def test_query_comes_first_then_hits_in_order(red: bytes, blue: bytes) -> None:
    hits = [Tile(blue, "1.", "b"), Tile(red, "2.", "r")]
    picture = draw_collage([Row([Tile(red, "query", "r", framed=True)], hits)])
    found = [picture.getpixel(middle(column, 0)) for column in range(3)]
    assert found == [(170, 0, 0), (0, 0, 170), (170, 0, 0)]


def test_pictures_of_a_query_stand_below_each_other(red: bytes, blue: bytes) -> None:
    query = [Tile(red, "query", "r"), Tile(blue, "query", "b")]
    rows = [Row(query, [Tile(blue, "1.", "b")]), Row([Tile(red, "query", "r")], [])]
    picture = draw_collage(rows)
    found = [picture.getpixel(middle(0, line)) for line in range(3)]
    assert found == [(170, 0, 0), (0, 0, 170), (170, 0, 0)]
    assert picture.getpixel(middle(1, 1)) == (255, 255, 255)


def test_long_answer_wraps_to_the_next_line(red: bytes, blue: bytes) -> None:
    hits = [Tile(blue, f"{n}.", "b") for n in range(COLUMNS)]
    picture = draw_collage([Row([Tile(red, "query", "r")], hits)])
    found = [picture.getpixel(middle(column, 1)) for column in range(3)]
    assert found == [(255, 255, 255), (0, 0, 170), (255, 255, 255)]


def test_each_query_starts_a_line_of_its_own(red: bytes, blue: bytes) -> None:
    rows = [Row([Tile(red, "query", "r")], [Tile(blue, "1.", "b")])] * 2
    picture = draw_collage(rows)
    assert [picture.getpixel(middle(0, line)) for line in range(2)] == [(170, 0, 0)] * 2


def test_picture_keeps_its_shape_in_its_tile(red: bytes, blue: bytes) -> None:
    picture = draw_collage([Row([Tile(blue, "query", "b")], [])])
    assert picture.getpixel((GAP + TILE // 2, GAP + 10)) == (255, 255, 255)


def test_picture_that_is_gone_or_damaged_leaves_a_grey_tile(red: bytes) -> None:
    hits = [Tile(None, "1.", "x"), Tile(b"no picture", "2.", "y")]
    picture = draw_collage([Row([Tile(red, "q", "r")], hits)])
    for column in (1, 2):
        x = GAP + column * (TILE + GAP) + 5
        assert picture.getpixel((x, GAP + 5)) == (238, 238, 238)


def test_too_many_pictures_are_refused_whether_queries_or_hits(red: bytes) -> None:
    tile = Tile(red, "q", "r")
    with pytest.raises(CollageError, match=r"1,001 pictures is too large: at most 1,000"):
        draw_collage([Row([tile], [])] * (MAX_TILES + 1))
    with pytest.raises(CollageError, match=r"1,001 pictures is too large: at most 1,000"):
        draw_collage([Row([tile], [tile] * MAX_TILES)])


def test_unknown_ending_is_refused_by_name(tmp_path: Path, red: bytes) -> None:
    with pytest.raises(CollageError, match=r"out\.xyz"):
        write_collage(tmp_path / "out.xyz", [Row([Tile(red, "q", "r")], [])])


def test_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path, red: bytes) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CollageError, match="file"):
        write_collage(tmp_path / "file" / "out.png", [Row([Tile(red, "q", "r")], [])])
