"""Asking an index in this process: order, batches, problems, and pictures of hits."""

from pathlib import Path

import pytest

from models.errors import BlockError, UnknownNameError
from service.asking import Question
from service.local_asker import LocalAsker
from service.opening import Opened
from service.query import Subject
from tests.fakes import FakeExtractor

COLOR, TEXTURE = Subject(attribute="color"), Subject(attribute="texture")


@pytest.fixture
def asker(opened: Opened) -> LocalAsker:
    return LocalAsker(opened)


def test_answers_come_picture_by_picture_and_in_each_subject_by_subject(
    asker: LocalAsker, pictures: Path
) -> None:
    paths = [str(pictures / f"{n:03}.png") for n in (4, 2)]
    asked = list(asker.ask(paths, Question([TEXTURE, COLOR], 1, 0)))
    assert [(Path(one.path).name, str(one.subject)) for one in asked] == [
        ("004.png", "texture"), ("004.png", "color"),
        ("002.png", "texture"), ("002.png", "color"),
    ]  # fmt: skip
    assert [one.answer.hits[0].key for one in asked if one.answer] == [
        "004.png", "004.png", "002.png", "002.png",
    ]  # fmt: skip


def test_more_pictures_than_a_batch_are_all_answered_in_order(
    asker: LocalAsker, pictures: Path, extractor: FakeExtractor
) -> None:
    keys = [f"{n % 20:03}.png" for n in range(70)]
    asked = list(asker.ask([str(pictures / key) for key in keys], Question([COLOR], 1, 0)))
    assert [one.answer.hits[0].key for one in asked if one.answer] == keys
    assert extractor.pictures == 70


def test_unreadable_picture_is_a_problem_in_its_place(asker: LocalAsker, pictures: Path) -> None:
    (pictures / "bad.png").write_bytes(b"no")
    names = ["000.png", "bad.png", "none.png", "001.png"]
    asked = list(asker.ask([str(pictures / name) for name in names], Question([COLOR], 1, 0)))
    assert [one.problem is None for one in asked] == [True, False, False, True]
    assert "not a picture" in str(asked[1].problem)
    assert asked[3].answer is not None
    assert asked[3].answer.hits[0].key == "001.png"


def test_only_unreadable_pictures_never_reach_the_network(
    asker: LocalAsker, pictures: Path, extractor: FakeExtractor
) -> None:
    asked = list(asker.ask([str(pictures / "none.png")] * 3, Question([COLOR], 1, 0)))
    assert [one.answer for one in asked] == [None] * 3
    assert extractor.pictures == 0


@pytest.mark.parametrize(
    ("subject", "error"),
    [(Subject(attribute="shape"), UnknownNameError), (Subject(block=5), BlockError)],
)
def test_unknown_subject_is_an_error_before_any_answer(
    asker: LocalAsker, pictures: Path, subject: Subject, error: type[Exception]
) -> None:
    answers = asker.ask([str(pictures / "000.png")], Question([COLOR, subject], 1, 0))
    with pytest.raises(error):
        next(answers)


def test_limit_and_least_score_hold_for_every_answer(asker: LocalAsker, pictures: Path) -> None:
    (one,) = asker.ask([str(pictures / "000.png")], Question([COLOR], 7, 0.5))
    assert one.answer is not None
    assert 0 < len(one.answer.hits) <= 7
    assert min(hit.score for hit in one.answer.hits) >= 0.5


def test_picture_of_a_hit_is_its_file_and_none_once_it_is_gone(
    asker: LocalAsker, pictures: Path
) -> None:
    (one,) = asker.ask([str(pictures / "000.png")], Question([COLOR], 1, 0))
    assert one.answer is not None
    hit = one.answer.hits[0]
    assert asker.picture(hit) == (pictures / "000.png").read_bytes()
    assert asker.picture(hit.model_copy(update={"key": "none"})) is None
    (pictures / "000.png").unlink()
    assert asker.picture(hit) is None
