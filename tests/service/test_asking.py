"""What can be asked from a shell, and how an answer is written as JSON."""

import json
from pathlib import Path

import pytest

from service.answer import Answer, Hit
from service.asking import Asked, Question, each_in_each, picture_paths, subjects
from service.errors import QueryError
from service.query import ImageExample, Query, Subject, Term

COLOR = Subject(attribute="color")


def question(*asked: Subject, name: str = "фото.jpg") -> Question:
    terms = [
        Term(attribute=one.attribute, block=one.block, image=ImageExample(key="a")) for one in asked
    ]
    return Question(name, Query(terms=terms))


def test_attributes_come_before_blocks() -> None:
    found = subjects(["texture", "color"], [3])
    assert [str(one) for one in found] == ["texture", "color", "block 3"]


def test_nothing_to_compare_in_is_refused() -> None:
    with pytest.raises(QueryError, match="--attribute color or --block 3"):
        subjects([], [])


def test_each_example_is_asked_in_each_subject_all_else_being_the_same() -> None:
    examples = [
        (name, ImageExample(part="image"), {"image": Path(name)}) for name in ("a.jpg", "b.jpg")
    ]
    like = question(COLOR).query.model_copy(update={"limit": 7})
    found = list(each_in_each(examples, [COLOR, Subject(block=3)], like))
    assert [(one.name, one.subject) for one in found] == [
        ("a.jpg", "color"), ("a.jpg", "block 3"), ("b.jpg", "color"), ("b.jpg", "block 3"),
    ]  # fmt: skip
    assert {one.query.limit for one in found} == {7}
    assert [one.files["image"].name for one in found] == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]


def test_question_says_in_what_it_compares() -> None:
    assert question(COLOR, Subject(block=3)).subject == "color, block 3"
    assert Question("next page", Query(cursor="x")).subject == "the query before"


def test_pictures_given_come_before_those_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeffa b.jpg\r\n\n  c.jpg  \n/d.jpg\n", encoding="utf-8")
    found = picture_paths(["given.jpg"], tmp_path / "list.txt")
    assert found == ["given.jpg", str(tmp_path / "a b.jpg"), str(tmp_path / "c.jpg"), "/d.jpg"]


def test_no_picture_and_an_empty_list_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    assert picture_paths([], None) == picture_paths([], tmp_path / "empty.txt") == []


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
    text = Asked(question(subject), answer).to_json()
    found = json.loads(text)
    assert found[there[0]] == there[1]
    assert missing not in found
    assert (found["query"], found["hits"], found["generation"]) == ("фото.jpg", [], 2)
    assert "фото" in text
    assert "next_cursor" not in found


def test_json_of_a_composed_query_leaves_its_terms_to_the_hits() -> None:
    hit = Hit(key="a", score=0.5, terms=[], metadata={}, image_url="/x", thumbnail_url="/y")
    answer = Answer(hits=[hit], next_cursor="c", exact=True, generation=2, took_ms=1.5)
    found = json.loads(Asked(question(COLOR, Subject(block=3)), answer).to_json())
    assert not {"attribute", "block"} & set(found)
    assert found["next_cursor"] == "c"
    assert not {"image_url", "thumbnail_url", "duplicates", "why"} & set(found["hits"][0])
