"""Answers drawn as collages: which files there are, and what is in them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.images import Limits
from service.answer import Answer, Hit
from service.asking import Asked, Question
from service.collage import CAPTION, GAP, TILE, CollageError
from service.drawing import check_target, draw_answers, is_file
from service.query import Query

COLOR = {"attribute": "color"}


class FakeAsker:
    """Has a picture for every key that is a file's name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        raise AssertionError("a drawing asks nothing")

    def picture(self, key: str) -> bytes | None:
        path = self._folder / key
        return path.read_bytes() if path.is_file() else None

    def close(self) -> None:
        raise AssertionError("a drawing closes nothing")


def question(name: str, *terms: dict[str, Any], files: dict[str, Path] | None = None) -> Question:
    return Question(name, Query.model_validate({"terms": [*terms]}), files or {})


def answer(*keys: str) -> Answer:
    hits = [Hit(key=key, score=0.5, terms=[], metadata={}) for key in keys]
    return Answer(hits=hits, exact=True, generation=1, took_ms=0)


def asked(pictures: Path, name: str, *keys: str, subject: dict[str, Any] | None = None) -> Asked:
    term = {**(subject or COLOR), "image": {"part": "image"}}
    path = pictures / name
    return Asked(question(str(path), term, files={"image": path}), answer(*keys))


def draw(target: Path, pictures: Path, answers: list[Asked]) -> list[Path]:
    return list(draw_answers(target, answers, FakeAsker(pictures), Limits()))


def tile(path: Path, column: int, line: int) -> tuple[int, int, int]:
    x, y = GAP + column * (TILE + GAP) + 5, GAP + line * (TILE + CAPTION + GAP) + TILE // 2
    with Image.open(path) as image:
        found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def test_file_holds_a_line_for_every_query(tmp_path: Path, pictures: Path) -> None:
    for name, color in (("r.png", "#aa0000"), ("b.png", "#0000aa")):
        Image.new("RGB", (TILE, TILE), color).save(pictures / name)
    target = tmp_path / "out" / "all.png"
    answers = [asked(pictures, "r.png", "b.png"), asked(pictures, "b.png", "r.png", "none.png")]
    assert draw(target, pictures, answers) == [target]
    assert tile(target, 0, 0) == tile(target, 1, 1) == (170, 0, 0)
    assert tile(target, 1, 0) == tile(target, 0, 1) == (0, 0, 170)
    assert tile(target, 2, 1) == (238, 238, 238), "a picture that is gone is a blank"


def test_folder_gets_a_file_a_query_numbered_so_that_no_two_collide(
    tmp_path: Path, pictures: Path
) -> None:
    answers = [
        asked(pictures, "000.png", "001.png"),
        asked(pictures, "000.png", "001.png", subject={"block": 3}),
        asked(pictures, "000.png", "001.png"),
    ]
    written = draw(tmp_path / "out", pictures, answers)
    assert [path.name for path in written] == [
        "0001-000-color.png", "0002-000-block-3.png", "0003-000-color.png",
    ]  # fmt: skip
    assert all(path.is_file() for path in written)


def test_composed_query_shows_every_example_and_palette_below_each_other(
    tmp_path: Path, pictures: Path
) -> None:
    for name, color in (("r.png", "#aa0000"), ("b.png", "#0000aa")):
        Image.new("RGB", (TILE, TILE), color).save(pictures / name)
    composed = question(
        "all",
        {**COLOR, "image": [{"part": "a"}, {"key": "b.png"}]},
        {**COLOR, "weight": 0.5, "palette": [{"hex": "#00aa00"}, {"any": 1}]},
        files={"a": pictures / "r.png"},
    )
    (path,) = draw(tmp_path / "out", pictures, [Asked(composed, answer("r.png"))])
    assert path.name == "0001-all-color-color.png"
    assert [tile(path, 0, line) for line in range(3)] == [(170, 0, 0), (0, 0, 170), (0, 170, 0)]
    assert tile(path, 1, 0) == (170, 0, 0)
    assert tile(path, 1, 1) == (255, 255, 255)


def test_next_page_has_no_query_of_its_own_to_show(tmp_path: Path, pictures: Path) -> None:
    page = Asked(Question("next page", Query(cursor="x")), answer("000.png"))
    (path,) = draw(tmp_path / "out", pictures, [page])
    assert path.name == "0001-next-page-the-query-before.png"
    assert tile(path, 0, 0) == (255, 255, 255)


def test_queries_with_a_problem_are_left_out(tmp_path: Path, pictures: Path) -> None:
    good = asked(pictures, "000.png")
    bad = Asked(good.question, problem="not a picture")
    written = draw(tmp_path / "out", pictures, [bad, good])
    assert [path.name for path in written] == ["0001-000-color.png"]
    assert draw(tmp_path / "none.png", pictures, [bad]) == []
    assert not (tmp_path / "none.png").exists()


def test_ending_decides_between_a_file_and_a_folder_unless_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "answers.v2").mkdir()
    assert is_file(tmp_path / "a.png")
    assert not is_file(tmp_path / "a")
    assert not is_file(tmp_path / "answers.v2")


def test_ending_no_collage_has_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(CollageError, match=r"a\.gif.*\.png, \.jpg"):
        check_target(tmp_path / "a.gif")
    check_target(tmp_path / "a.WEBP")
    check_target(tmp_path / "folder")
