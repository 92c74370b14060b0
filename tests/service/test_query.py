"""The query schema: what fits it, what is refused, and where its limits are."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from indexer.filters import ALL
from service.errors import QueryError
from service.query import (
    MAX_EXAMPLES,
    MAX_LIMIT,
    MAX_TERMS,
    ImageExample,
    Query,
    Subject,
    Swatch,
    Term,
    check_limit,
)

IMAGE = {"key": "a"}
TERM = {"attribute": "color", "image": IMAGE}


def of_term(**term: Any) -> dict[str, Any]:
    return {"terms": [term]}


def test_defaults_are_those_of_the_documentation() -> None:
    found = Query.model_validate({"terms": [TERM]})
    assert (found.limit, found.min_score, found.filter, found.explain) == (20, 0.0, ALL, False)
    assert (found.cursor, found.collapse) == (None, None)
    assert found.terms[0].weight == 1


@pytest.mark.parametrize(
    "query",
    [
        {"terms": [TERM] * MAX_TERMS},
        {"terms": [TERM], "limit": MAX_LIMIT},
        of_term(block=3, image=[IMAGE] * MAX_EXAMPLES),
        of_term(attribute="color", palette=[{"hex": "#aabbcc"}] * MAX_EXAMPLES),
        of_term(attribute="color", image={"key": "a", "region": {"box": [0, 0, 1, 1]}}),
        {"terms": [TERM, {**TERM, "weight": -1}]},
        {"terms": [TERM, {**TERM, "weight": 0}]},
        of_term(attribute="color", image={"key": "a", "background": "none"}),
        of_term(attribute="color", palette=[{"name": "navy", "weight": 60}, {"any": 40}]),
        {"cursor": "x"},
        of_term(attribute="color", image={"part": "a", "mask": {"base64": "AA=="}}),
        {"terms": [TERM], "cursor": "x", "collapse": "picture", "filter": {"shows": "red"}},
    ],
)
def test_everything_the_schema_promises_is_read_today(query: dict[str, Any]) -> None:
    Query.model_validate_json(json.dumps(query))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"terms": [TERM] * (MAX_TERMS + 1)}, "terms"),
        ({"terms": [TERM], "limit": 0}, "limit"),
        ({"terms": [TERM], "limit": MAX_LIMIT + 1}, "limit"),
        ({"terms": [TERM], "limit": 1.5}, "limit"),
        ({"terms": [TERM], "min_score": -0.01}, "min_score"),
        ({"terms": [TERM], "min_score": float("nan")}, "min_score"),
        ({"terms": [TERM], "k": 5}, "k"),
        ({"terms": [TERM], "collapse": "sku"}, "collapse"),
        ({"terms": [TERM], "filter": {"column": "a"}}, "filter"),
        ({"terms": [TERM], "explain": 1}, "explain"),
        ({"terms": [{**TERM, "weight": 1e7}]}, "terms.0.weight"),
        (of_term(attribute="color", palette=[{"hex": "#fff", "weight": 0}]), "terms.0.palette"),
        (of_term(attribute="color", palette=[{"any": -1}]), "terms.0.palette"),
        (of_term(attribute="color", palette=[]), "terms.0.palette"),
        (of_term(attribute="color", image=[]), "terms.0.image"),
        (of_term(attribute="color", image={"key": "a", "background": "x"}), "terms.0.image"),
        ({"terms": [{**TERM, "color": "red"}]}, "terms.0.color"),
        (of_term(attribute="color", palette=[{}] * (MAX_EXAMPLES + 1)), "terms.0.palette"),
        (of_term(attribute="color", image=[IMAGE] * (MAX_EXAMPLES + 1)), "terms.0.image"),
        (of_term(attribute="color", image={"key": "a", "size": 3}), "terms.0.image"),
        (of_term(attribute="color", image={"key": "a", "region": {"box": [1]}}), "terms.0.image"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(query: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Query.model_validate(query)
    places = [".".join(map(str, fault["loc"])) for fault in caught.value.errors()]
    assert any(found.startswith(place) for found in places), places


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ({"image": IMAGE}, "exactly one of attribute and block"),
        ({"attribute": "color", "block": 1, "image": IMAGE}, "exactly one of attribute and block"),
        ({"attribute": "color"}, "exactly one of image and palette"),
        ({"block": 1, "image": IMAGE, "palette": [{"any": 1}]}, "exactly one of image and palette"),
        ({"block": 1, "image": {}}, "exactly one of key, base64, part and url, got none"),
        ({"block": 1, "image": {"key": "a", "url": "b"}}, "got key, url"),
        ({"block": 1, "image": {"key": "a", "mask": {}}}, "got none"),
        (
            {"block": 1, "image": {"key": "a", "mask": IMAGE, "background": "none"}},
            "background 'none' cannot be given too",
        ),
        ({"attribute": "color", "palette": [{}]}, "one of hex, name and any, got none"),
        ({"attribute": "color", "palette": [{"hex": "#fff", "name": "red"}]}, "got hex, name"),
        ({"attribute": "color", "palette": [{"any": 1, "weight": 1}]}, "leave weight out"),
    ],
)
def test_rules_of_exactly_one_say_what_was_given(term: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Query.model_validate(of_term(**term))


@pytest.mark.parametrize("query", [{}, {"terms": []}])
def test_query_needs_a_term_or_a_cursor(query: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="at least one term, or a cursor"):
        Query.model_validate(query)


@pytest.mark.parametrize("weights", [[0], [-1], [0, -2.5]])
def test_weights_need_one_that_attracts_and_are_named(weights: list[float]) -> None:
    shown = ", ".join(map(str, weights))
    with pytest.raises(ValidationError, match=f"weights are {shown}: at least one must be above"):
        Query.model_validate({"terms": [{**TERM, "weight": one} for one in weights]})


def test_one_image_and_a_list_of_one_are_the_same_examples() -> None:
    one, many = (Term.model_validate({"block": 1, "image": i}) for i in (IMAGE, [IMAGE]))
    assert one.images == many.images == [ImageExample(key="a")]
    assert Term.model_validate({"attribute": "color", "palette": [{"any": 1}]}).images == []


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ({"key": "a"}, True),
        ({"key": "a", "background": "auto"}, True),
        ({"key": "a", "background": "none"}, False),
        ({"key": "a", "region": {"box": [0, 0, 1, 1]}}, False),
        ({"key": "a", "mask": {"key": "b"}}, False),
        ({"part": "a"}, False),
    ],
)
def test_only_an_unedited_item_is_whole(image: dict[str, Any], whole: bool) -> None:
    assert ImageExample.model_validate_json(json.dumps(image)).is_whole_item is whole


def test_share_of_a_color_is_its_weight_one_or_that_of_any() -> None:
    swatches = [Swatch(hex="#fff"), Swatch(name="red", weight=3.0), Swatch(any=2.0)]
    assert [one.share for one in swatches] == [1, 3, 2]


@pytest.mark.parametrize("limit", [0, -1, 11, 10**9])
def test_limit_out_of_range_names_itself_and_the_range(limit: int) -> None:
    with pytest.raises(QueryError, match=f"limit is {limit}: expected 1 to 10"):
        check_limit(limit, 10)


def test_limits_at_both_ends_pass() -> None:
    check_limit(1, 10)
    check_limit(10, 10)


def test_subject_reads_as_a_person_would_say_it() -> None:
    assert [str(Subject("color")), str(Subject(block=3))] == ["color", "block 3"]
