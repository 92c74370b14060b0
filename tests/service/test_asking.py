"""What can be asked from a shell, and how an answer is written as JSON."""

import json
from pathlib import Path

import pytest

from service.asking import Asked, Question, picture_paths, subjects
from service.errors import QueryError
from service.query import Answer, Subject

COLOR = Subject(attribute="color")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question([], 10, 0), "--attribute color or --block 3"),
        (Question([COLOR], 0, 0), "limit is 0: expected 1 to 50"),
        (Question([COLOR], 51, 0), "limit is 51: expected 1 to 50"),
        (Question([COLOR], 10, -0.1), r"min-score is -0\.1: expected 0 to 1"),
        (Question([COLOR], 10, 1.1), r"min-score is 1\.1"),
        (Question([COLOR], 10, float("nan")), "min-score is nan"),
    ],
)
def test_wrong_question_is_named(question: Question, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        question.check(50)


@pytest.mark.parametrize(("limit", "score"), [(1, 0.0), (50, 1.0)])
def test_bounds_themselves_may_be_asked_for(limit: int, score: float) -> None:
    Question([COLOR], limit, score).check(50)


def test_attributes_come_before_blocks() -> None:
    found = subjects(["texture", "color"], [3])
    assert [str(one) for one in found] == ["texture", "color", "block 3"]


def test_pictures_given_come_before_those_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeffa b.jpg\r\n\n  c.jpg  \n/d.jpg\n", encoding="utf-8")
    found = picture_paths(["given.jpg"], tmp_path / "list.txt")
    assert found == ["given.jpg", str(tmp_path / "a b.jpg"), str(tmp_path / "c.jpg"), "/d.jpg"]


def test_no_picture_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    for listing in (None, tmp_path / "empty.txt"):
        with pytest.raises(QueryError, match="no picture is given"):
            picture_paths([], listing)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_list_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(QueryError, match=r"cannot read the list .*list\.txt"):
        picture_paths(["a.jpg"], tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("subject", "there", "missing"),
    [(COLOR, ("attribute", "color"), "block"), (Subject(block=3), ("block", 3), "attribute")],
)
def test_json_names_the_query_and_only_what_was_asked_for(
    subject: Subject, there: tuple[str, object], missing: str
) -> None:
    answer = Answer(hits=[], exact=True, generation=2, took_ms=1.5)
    found = json.loads(Asked("фото.jpg", subject, answer).to_json())
    assert found[there[0]] == there[1]
    assert missing not in found
    assert (found["query"], found["hits"], found["generation"]) == ("фото.jpg", [], 2)
    assert "фото" in Asked("фото.jpg", subject, answer).to_json()
