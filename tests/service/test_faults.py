"""What pydantic finds wrong: told with place and value, and only the first few."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from service.faults import describe_invalid
from service.query import Query


def test_a_fault_is_told_with_its_place_and_value() -> None:
    fault = {"loc": ("body", "terms", 0, "k"), "msg": "Value error, too much", "input": "x" * 99}
    assert describe_invalid([fault]) == f"terms[0].k: too much (got '{'x' * 80}')"


def test_of_many_faults_only_the_first_few_are_told() -> None:
    bare = {"loc": ("body",), "msg": "missing", "input": {"a": 1}}
    assert describe_invalid([bare] * 9) == "; ".join(["missing"] * 5)


def test_the_arms_of_a_union_are_no_part_of_a_place() -> None:
    fault = {"loc": ("terms", 3, "image", "Many", 1, "function-after[f()]", "key"), "msg": "m"}
    assert describe_invalid([fault]) == "terms[3].image[1].key: m"


def described(document: dict[str, Any]) -> str:
    """What is said of a query that is wrong."""
    with pytest.raises(ValidationError) as caught:
        Query.model_validate_json(json.dumps(document))
    return describe_invalid(caught.value.errors())


TERM = {"attribute": "color", "image": {"key": "a"}}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"terms": [{**TERM, "image": {"key": 3}}]}, "terms[0].image.key: "),
        ({"terms": [TERM, {**TERM, "image": [{"key": 3}]}]}, "terms[1].image[0].key: "),
        ({"terms": [{"attribute": "color", "palette": [{"hex": 7}]}]}, "palette[0].hex: "),
        ({"terms": [{**TERM, "weight": "1"}]}, "terms[0].weight: "),
        ({"terms": [TERM], "filter": {"and": [{}, {"column": "a", "eq": None}]}},
         "filter.and[1].eq: null is no value"),
        ({"terms": [TERM], "collapse": "foo"}, "collapse: Input should be 'picture' (got 'foo')"),
    ],
)  # fmt: skip
def test_faults_of_a_query_are_placed_as_it_is_written(
    document: dict[str, Any], words: str
) -> None:
    assert words in described(document)


@pytest.mark.parametrize("name", ["surplus", "Limit", "min score", "körper", "query", ""])
def test_an_unknown_field_is_named_whatever_its_name(name: str) -> None:
    assert described({"terms": [TERM], name: 5}) == (
        f"{name}: Extra inputs are not permitted (got '5')".removeprefix(": ")
    )
    inner = described({"terms": [{**TERM, name: 5}]})
    assert inner == f"terms[0].{name}: Extra inputs are not permitted (got '5')"


def test_a_long_name_is_cut() -> None:
    assert described({"terms": [TERM], "x" * 9999: 5}).startswith(f"{'x' * 100}…: ")
