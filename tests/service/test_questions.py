"""What the flags of a shell ask, and which of them do not go together."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import FilterError
from indexer.filters import ALL, parse_filter
from service.asking import Question
from service.errors import QueryError
from service.query import ImageExample, ImageSource, Swatch
from service.questions import DEFAULT_LIMIT, Spelled, questions

SIMPLE: dict[str, Any] = {"images": ["a.jpg"], "attributes": ["color"]}
TERM = "color=key:a"
RED = {"shows": "red"}


def ask(**flags: Any) -> list[Question]:
    return questions(Spelled(**flags))


def only(**flags: Any) -> Question:
    (one,) = ask(**flags)
    return one


def test_picture_in_an_attribute_is_one_question_with_the_defaults() -> None:
    one = only(**SIMPLE)
    assert (one.name, one.subject, one.files) == ("a.jpg", "color", {"image": Path("a.jpg")})
    query = one.query
    assert (query.limit, query.min_score, query.filter) == (DEFAULT_LIMIT, 0, ALL)
    assert (query.collapse, query.cursor, query.explain) == (None, None, False)
    assert query.terms[0].images == [ImageExample(part="image")]


def test_every_example_is_asked_in_every_subject_pictures_before_the_list_before_keys(
    tmp_path: Path,
) -> None:
    (tmp_path / "list.txt").write_text("b.jpg\n")
    found = ask(
        images=["a.jpg"], listing=tmp_path / "list.txt", keys=["k"],
        attributes=["color"], blocks=[3],
    )  # fmt: skip
    names = ["a.jpg", str(tmp_path / "b.jpg"), "k"]
    assert [(one.name, one.subject) for one in found] == [
        (name, subject) for name in names for subject in ("color", "block 3")
    ]
    assert found[-1].query.terms[0].images == [ImageExample(key="k")]
    assert found[-1].files == {}


def test_flags_of_the_answer_hold_for_every_question() -> None:
    flags = {"limit": 3, "min_score": 0.5, "collapse": "picture", "explain": True}
    ways: list[dict[str, Any]] = [
        {**SIMPLE, "keys": ["b"]}, {"terms": [TERM]}, {"palettes": ["red"]},
    ]  # fmt: skip
    for way in ways:
        for one in ask(**way, **flags, filter=json.dumps(RED)):
            query = one.query
            assert (query.limit, query.min_score, query.collapse) == (3, 0.5, "picture")
            assert query.explain
            assert query.filter == parse_filter(json.dumps(RED))


def test_region_mask_and_background_say_what_counts_of_every_example() -> None:
    first, second = ask(
        images=["a.jpg"], keys=["k"], attributes=["color"],
        region="1,2,3,4px", mask=Path("m.png"),
    )  # fmt: skip
    for one, source in ((first, {"part": "image"}), (second, {"key": "k"})):
        (image,) = one.query.terms[0].images
        assert image.mask == ImageSource(part="mask")
        assert image.region is not None
        assert (image.region.unit, image.region.box) == ("pixel", (1, 2, 3, 4))
        assert image.model_dump(include=set(source)) == source
        assert one.files["mask"] == Path("m.png")
    (plain,) = only(**SIMPLE, background="none").query.terms[0].images
    assert plain.background == "none"


def test_palettes_are_questions_of_color_before_pictures() -> None:
    first, second = ask(palettes=["red 60, any 40"], **SIMPLE)
    assert (first.name, first.subject) == ("red 60, any 40", "color")
    assert first.query.terms[0].palette == [Swatch(name="red", weight=60.0), Swatch(any=40.0)]
    assert second.name == "a.jpg"
    assert len(ask(palettes=["red", "blue"])) == 2


def test_terms_are_one_question() -> None:
    one = only(terms=["color:0.7=a.jpg", "texture=key:k"], limit=5)
    assert one.name == "color:0.7=a.jpg  texture=key:k"
    assert one.subject == "color, texture"
    assert one.query.limit == 5
    assert list(one.files.values()) == [Path("a.jpg")]


def test_cursor_alone_goes_on_and_beside_a_query_is_checked_with_it() -> None:
    alone = only(cursor="x", limit=3)
    assert (alone.name, alone.query.terms, alone.query.limit) == ("next page", [], 3)
    for way in (SIMPLE, {"terms": [TERM]}, {"palettes": ["red"]}):
        one = only(**way, cursor="x")
        assert one.query.cursor == "x"
        assert one.query.terms


# --- queries in JSON --------------------------------------------------------------------------

QUERY = {"terms": [{"attribute": "color", "image": {"part": "a"}}], "filter": RED, "min_score": 0.5}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "query.json"
    path.write_text("\ufeff" + json.dumps(QUERY), encoding="utf-8")
    return path


def test_query_in_a_file_is_asked_as_it_is(file: Path) -> None:
    one = only(query_file=file, parts=["a=shirt=1.jpg"])
    assert one.name == str(file)
    assert one.files == {"a": Path("shirt=1.jpg")}
    assert one.query.limit == DEFAULT_LIMIT
    assert one.query.min_score == 0.5
    assert one.query.filter == parse_filter(json.dumps(RED))


def test_flags_beat_the_file_and_the_file_the_defaults(file: Path) -> None:
    file.write_text(json.dumps({**QUERY, "limit": 7}))
    assert only(query_file=file).query.limit == 7
    one = only(query_file=file, limit=2, min_score=0.1, filter='{"shows": "blue"}', explain=True)
    assert (one.query.limit, one.query.min_score, one.query.explain) == (2, 0.1, True)
    assert one.query.filter == parse_filter('{"shows": "blue"}')


def test_query_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(QUERY)))
    assert only(query_file=Path("-")).subject == "color"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "q.json").write_bytes(content)
    with pytest.raises(QueryError, match=r"cannot read the query .*q\.json"):
        ask(query_file=tmp_path / "q.json")


@pytest.mark.parametrize("part", ["", "a", "a=", "=a.jpg"])
def test_part_that_is_none_is_named(file: Path, part: str) -> None:
    with pytest.raises(QueryError, match=f"part '{part}': expected NAME=FILE"):
        ask(query_file=file, parts=[part])


# --- what does not go together ----------------------------------------------------------------

OTHERS = [
    ({"images": ["a"]}, "IMAGE"),
    ({"keys": ["a"]}, "--key"),
    ({"listing": Path("l")}, "--list"),
    ({"palettes": ["red"]}, "--palette"),
    ({"attributes": ["color"]}, "--attribute"),
    ({"blocks": [1]}, "--block"),
    ({"region": "0,0,1,1"}, "--region"),
    ({"mask": Path("m")}, "--mask"),
    ({"background": "none"}, "--background"),
]


@pytest.mark.parametrize(("other", "flag"), OTHERS)
def test_whole_query_leaves_no_room_for_flags_of_another_way(
    file: Path, other: dict[str, Any], flag: str
) -> None:
    with pytest.raises(QueryError, match=f"--query says it all: leave out {flag}"):
        ask(query_file=file, **other)
    with pytest.raises(QueryError, match=f"--term says it all: leave out {flag}"):
        ask(terms=[TERM], **other)


def test_whole_query_leaves_no_room_for_terms(file: Path) -> None:
    with pytest.raises(QueryError, match="--query says it all: leave out --key, --term"):
        ask(query_file=file, terms=[TERM], keys=["a"])


@pytest.mark.parametrize("way", [{}, SIMPLE, {"terms": [TERM]}, {"cursor": "x"}])
def test_parts_need_a_query_in_json(way: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="--part names a picture of a JSON query"):
        ask(**way, parts=["a=b"])


@pytest.mark.parametrize("flag", [{"region": "0,0,1,1"}, {"mask": Path("m")}, {"background": "x"}])
@pytest.mark.parametrize("way", [{}, {"palettes": ["red"]}, {"cursor": "x"}])
def test_what_counts_needs_a_picture(way: dict[str, Any], flag: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="say what counts of IMAGE or --key"):
        ask(**way, **flag)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, "no picture is given: name one or more, or a list"),
        ({"attributes": ["color"]}, "no picture is given"),
        ({"images": ["a.jpg"]}, "name an attribute or a block"),
        ({"palettes": ["red"], "images": ["a.jpg"]}, "name an attribute or a block"),
        ({**SIMPLE, "limit": 0}, r"limit: Input should be greater than or equal to 1 \(got '0'\)"),
        ({**SIMPLE, "limit": 1001}, "limit: Input should be less than or equal to 1000"),
        ({**SIMPLE, "min_score": 1.1}, "min_score: Input should be less than or equal to 1"),
        ({**SIMPLE, "min_score": float("nan")}, "min_score: Input should be a finite number"),
        ({**SIMPLE, "collapse": "sku"}, "collapse: Input should be 'picture'"),
        ({**SIMPLE, "background": "x"}, "background: Input should be 'auto' or 'none'"),
        ({**SIMPLE, "background": "none", "mask": Path("m")}, "cannot be given too"),
        ({**SIMPLE, "region": "1,2"}, "region '1,2': expected"),
        ({"images": ["a"], "blocks": [6]}, "block: Input should be less than or equal to 5"),
        ({"terms": ["color:-1=a"]}, "weights are -1: at least one must be above 0"),
        ({"terms": ["color"]}, "term 'color': expected ATTRIBUTE"),
        ({"terms": [TERM] * 65}, "terms: List should have at most 64 items"),
        ({"palettes": ["red 0"]}, "a share of 0 is not above 0"),
        ({"palettes": ["red 1e9"]}, "less than or equal to 1000000"),
        ({"palettes": [",".join(["red"] * 65)]}, "at most 64"),
    ],
)
def test_wrong_flag_is_named(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError, match=words):
        ask(**flags)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "filter '{' is not JSON"), ('{"shows": "mauve"}', "filter"), ("[]", "filter")],
)
def test_wrong_filter_is_named(text: str, words: str) -> None:
    with pytest.raises(FilterError, match=words):
        ask(**SIMPLE, filter=text)


def test_palette_may_name_the_attribute_it_is_for() -> None:
    (one,) = questions(Spelled(palettes=["red"], attributes=["color"]))
    assert one.subject == "color"


@pytest.mark.parametrize("flag", [{"attributes": ["color"]}, {"blocks": [3]}])
def test_cursor_alone_has_no_subject_of_its_own(flag: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="leave out --attribute and --block"):
        questions(Spelled(cursor="x", **flag))
