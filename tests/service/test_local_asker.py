"""Asking an index in this process: order, batches, problems, and pictures of hits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.errors import BlockError, UnknownNameError
from service.asking import Question, each_in_each
from service.errors import QueryError
from service.local_asker import LocalAsker
from service.opening import Opened
from service.query import ImageExample, Query, Subject, Term
from tests.fakes import FakeExtractor

COLOR, TEXTURE = Subject(attribute="color"), Subject(attribute="texture")


@pytest.fixture
def asker(opened: Opened) -> LocalAsker:
    return LocalAsker(opened)


def ask_for(
    paths: Sequence[Path], subjects: Sequence[Subject] = (COLOR,), **fields: Any
) -> list[Question]:
    """Return a question for each picture in each subject."""
    image = ImageExample(part="image")
    examples = [(str(path), image, {"image": path}) for path in paths]
    term = Term(attribute="color", image=image)
    return list(each_in_each(examples, subjects, Query(terms=[term], **{"limit": 1, **fields})))


def of_key(key: str, files: Mapping[str, Path] | None = None) -> Question:
    term = Term(attribute="color", image=ImageExample(key=key))
    return Question(key, Query(terms=[term], limit=1), files or {})


def test_answers_come_picture_by_picture_and_in_each_subject_by_subject(
    asker: LocalAsker, pictures: Path
) -> None:
    paths = [pictures / f"{n:03}.png" for n in (4, 2)]
    asked = list(asker.ask(ask_for(paths, [TEXTURE, COLOR])))
    assert [(Path(one.question.name).name, one.question.subject) for one in asked] == [
        ("004.png", "texture"), ("004.png", "color"),
        ("002.png", "texture"), ("002.png", "color"),
    ]  # fmt: skip
    assert [one.answer.hits[0].key for one in asked if one.answer] == [
        "004.png", "004.png", "002.png", "002.png",
    ]  # fmt: skip


def test_picture_asked_in_two_attributes_goes_through_the_network_once(
    asker: LocalAsker, pictures: Path, extractor: FakeExtractor
) -> None:
    list(asker.ask(ask_for([pictures / "004.png"], [TEXTURE, COLOR])))
    assert extractor.pictures == 1


def test_more_pictures_than_a_batch_are_all_answered_in_order(
    asker: LocalAsker, pictures: Path, extractor: FakeExtractor
) -> None:
    keys = [f"{n % 20:03}.png" for n in range(70)]
    asked = list(asker.ask(ask_for([pictures / key for key in keys])))
    assert [one.answer.hits[0].key for one in asked if one.answer] == keys
    assert extractor.pictures == 70


def test_unreadable_picture_is_a_problem_in_its_place(asker: LocalAsker, pictures: Path) -> None:
    (pictures / "bad.png").write_bytes(b"no")
    names = ["000.png", "bad.png", "none.png", "001.png"]
    asked = list(asker.ask(ask_for([pictures / name for name in names], [COLOR, TEXTURE])))
    assert [one.problem is None for one in asked] == [True] * 2 + [False] * 4 + [True] * 2
    assert "not a picture" in str(asked[2].problem)
    assert "none.png" in str(asked[4].problem)
    assert asked[6].answer is not None
    assert asked[6].answer.hits[0].key == "001.png"


def test_only_unreadable_pictures_never_reach_the_network(
    asker: LocalAsker, pictures: Path, extractor: FakeExtractor
) -> None:
    asked = list(asker.ask(ask_for([pictures / "none.png"] * 3)))
    assert [one.answer for one in asked] == [None] * 3
    assert extractor.pictures == 0


@pytest.mark.parametrize(
    ("subject", "error"),
    [(Subject(attribute="shape"), UnknownNameError), (Subject(block=5), BlockError)],
)
def test_unknown_subject_is_an_error_before_any_answer(
    asker: LocalAsker, pictures: Path, subject: Subject, error: type[Exception]
) -> None:
    answers = asker.ask(ask_for([pictures / "000.png"], [COLOR, subject]))
    with pytest.raises(error):
        next(answers)


def test_key_that_is_not_there_ends_the_asking(asker: LocalAsker) -> None:
    with pytest.raises(QueryError, match="no item has the key 'none'"):
        list(asker.ask([of_key("001.png"), of_key("none")]))


def test_items_and_pictures_are_asked_side_by_side(asker: LocalAsker, pictures: Path) -> None:
    asked = list(asker.ask([of_key("003.png"), *ask_for([pictures / "004.png"])]))
    assert [one.answer.hits[0].key for one in asked if one.answer] == ["003.png", "004.png"]


def test_next_page_goes_on_beside_questions_of_another_kind(
    asker: LocalAsker, pictures: Path
) -> None:
    (first,) = asker.ask(ask_for([pictures / "004.png"]))
    assert first.answer is not None
    next_page = Question("next", Query(cursor=first.answer.next_cursor, limit=1))
    asked = list(asker.ask([next_page, of_key("003.png")]))
    keys = [one.answer.hits[0].key for one in asked if one.answer]
    assert keys[1] == "003.png"
    assert keys[0] != first.answer.hits[0].key


def test_limit_and_least_score_hold_for_every_answer(asker: LocalAsker, pictures: Path) -> None:
    (one,) = asker.ask(ask_for([pictures / "000.png"], limit=7, min_score=0.5))
    assert one.answer is not None
    assert 0 < len(one.answer.hits) <= 7
    assert min(hit.score for hit in one.answer.hits) >= 0.5


def test_picture_of_a_hit_is_its_file_and_none_once_it_is_gone(
    asker: LocalAsker, pictures: Path
) -> None:
    assert asker.picture("000.png") == (pictures / "000.png").read_bytes()
    assert asker.picture("none") is None
    (pictures / "000.png").unlink()
    assert asker.picture("000.png") is None
