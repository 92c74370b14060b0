"""Filters as they are written: what is read, what is refused and in which words."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError

from indexer.errors import FilterError
from indexer.filter_form import Not, check_depth
from indexer.filters import ALL, Filter, FilterLimits, check_filter, check_fit, parse_filter
from models.errors import UnknownNameError

COLUMNS = {"color": "text", "price": "number", "stock": "integer", "new": "boolean"}
WHOLE: dict[str, Any] = {
    "and": [
        {"column": "größe 🧶", "eq": "XL"},
        {"or": [{"column": "n", "in": [1, 2.5, "x", True]}, {"column": "n", "exists": False}]},
        {"not": {"column": "n", "gt": -1, "lte": 2**70}},
        {"column": "t", "gte": "a", "lt": "b"},
        {"and": []},
        {"shows": "red"},
        {},
    ]
}


class Asked(BaseModel):
    """A model with a filter, as queries have one."""

    filter: Filter = Field(ALL)


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"column": "color", "eq": "red"}
    for at in range(depth):
        document = {"not": document} if at % 2 else {"and": [document]}
    return document


def test_every_kind_comes_back_as_it_was_written() -> None:
    found = parse_filter(json.dumps(WHOLE))
    assert found.model_dump() == WHOLE
    assert json.loads(found.model_dump_json()) == WHOLE
    assert parse_filter(found.model_dump_json()) == found
    asked = Asked.model_validate({"filter": WHOLE})
    assert asked.filter == found
    assert Asked.model_validate_json(asked.model_dump_json(exclude_defaults=True)) == asked
    assert Asked(filter=found).filter is found


def test_left_out_or_empty_it_is_everything() -> None:
    assert Asked().filter is ALL
    assert Asked.model_validate_json('{"filter": {}}').filter == ALL
    assert parse_filter("{}") == ALL
    assert Asked().model_dump_json(exclude_defaults=True) == "{}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"column": "a"}', "filter: a condition needs exactly one of eq, in, exists and bounds "
         "(gt, gte, lt, lte), got none"),
        ('{"column": "a", "eq": 1, "lt": 2}', "exists and bounds (gt, gte, lt, lte), got eq, lt"),
        ('{"column": "a", "exists": true, "in": []}', "got in, exists"),
        ('{"and": [{}, {"not": {"column": "a", "eq": 1, "ne": 2}}]}', "filter.and[1].not.ne: "),
        ('{"column": "a", "eq": [1]}', "filter.eq: expected text, a number, true or false"),
        ('{"column": "a", "eq": null}', "filter.eq: null is no value to compare with: a missing "
         "one is found by exists"),
        ('{"column": "a", "in": [1, null]}', "filter.in[1]: null is no value"),
        ('{"column": "a", "in": "red"}', "filter.in: Input should be a valid "),
        ('{"column": "a", "gte": null}', "filter.gte: null is no value"),
        ('{"column": "a", "gt": true}', "filter.gt: true and false have no order"),
        ('{"column": "a", "eq": NaN}', "filter.eq: expected a finite number"),
        ('{"column": "a", "lt": -Infinity}', "filter.lt: expected a finite number"),
        ('{"column": "a", "eq": 1e999}', "filter.eq: expected a finite number"),
        ('{"column": "a", "eq": ' + "9" * 400 + "}", "filter.eq: expected a finite number"),
        ('{"column": "a", "exists": 1}', "filter.exists: Input should be a valid boolean"),
        ('{"column": 5, "eq": 1}', "filter.column: Input should be a valid string"),
        ('{"or": []}', "filter.or: expected at least one filter"),
        ('{"and": [{"or": []}]}', "filter.and[0].or: expected at least one filter"),
        ('{"and": {"column": "a", "eq": 1}}', "filter.and: Input should be a valid "),
        ('{"or": [{"and": [7]}]}', "filter.or[0].and[0]: expected a filter: an object with one of "
         "column, and, or, not, shows, or {}"),
        ('{"not": []}', "filter.not: expected a filter"),
        ("[]", "filter: expected a filter"),
        ('"red"', "filter: expected a filter"),
        ('{"color": "red"}', "filter: a filter has one of column, and, or, not, shows, got color"),
        ('{"and": [], "or": [{}]}', "a filter has one of column, and, or, not, shows, got and, or"),
        ('{"shows": "crimson"}', "filter.shows: Input should be 'black', 'white'"),
        ("{color: red}", "filter '{color: red}' is not JSON: key must be a string"),
        ("", "filter '' is not JSON"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_models_with_a_filter_speak_of_the_one_branch_meant() -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({"filter": {"or": [{"column": "a", "eq": [1]}]}})
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("filter", "Or", "or", 0, "Equals", "eq")


@pytest.mark.parametrize("depth", [65, 100, 100_000])
def test_one_far_too_deep_is_told_how_deep_it_is_and_never_read(depth: int) -> None:
    words = f"^filter is nested {depth} deep: expected at most 16$"
    with pytest.raises(FilterError, match=words):
        Asked(filter=nested(depth))
    with pytest.raises(FilterError, match=words):
        check_depth(nested(depth))


def test_one_made_by_hand_may_be_however_deep() -> None:
    filter: Filter = ALL
    for _ in range(5000):
        filter = Not.model_construct(filter=filter)
    with pytest.raises(FilterError, match="filter is nested 5000 deep: expected at most 16"):
        check_filter(filter, COLUMNS)


def test_one_too_deep_for_the_parser_is_no_json() -> None:
    with pytest.raises(FilterError, match="nested 100 deep: expected at most 16"):
        parse_filter(json.dumps(nested(100)))
    with pytest.raises(FilterError, match="not JSON: recursion limit"):
        parse_filter('{"not":' * 5000 + "{}" + "}" * 5000)


def test_depth_that_is_allowed_is_up_to_the_limits() -> None:
    check_filter(parse_filter(json.dumps(nested(16))), COLUMNS)
    deep = parse_filter(json.dumps(nested(64)))
    assert deep.model_dump() == nested(64)
    with pytest.raises(FilterError, match="filter is nested 64 deep: expected at most 16"):
        check_filter(deep, COLUMNS)
    with pytest.raises(FilterError, match="filter is nested 64 deep: expected at most 63"):
        check_filter(deep, COLUMNS, FilterLimits(max_depth=63))
    check_filter(deep, COLUMNS, FilterLimits(max_depth=64))


def test_conditions_that_are_allowed_are_up_to_the_limits() -> None:
    limits = FilterLimits(max_conditions=3)
    wide = parse_filter('{"and": [{"and": []}, {}, {"not": {}}, {"shows": "red"}]}')
    with pytest.raises(FilterError, match="filter has 4 conditions: expected at most 3"):
        check_filter(wide, COLUMNS, limits)
    check_filter(wide, COLUMNS)
    listed = parse_filter('{"or": [{"column": "color", "in": ["a", "b"]}, {"shows": "red"}]}')
    check_filter(listed, COLUMNS, limits)
    with pytest.raises(FilterError, match="filter has 3 conditions: expected at most 2"):
        check_filter(listed, COLUMNS, FilterLimits(max_conditions=2))
    check_fit(parse_filter(json.dumps({"or": [{}] * 1000})), COLUMNS)


def test_conditions_past_the_default_limit_are_refused() -> None:
    def many(count: int) -> Filter:
        return parse_filter(json.dumps({"or": [{"shows": "red"}] * count}))

    check_filter(many(256), COLUMNS)
    with pytest.raises(FilterError, match="filter has 257 conditions: expected at most 256"):
        check_filter(many(257), COLUMNS)


@pytest.mark.parametrize(
    "text",
    [
        '{"column": "color", "in": ["red", ""]}',
        '{"column": "color", "gte": "r"}',
        '{"column": "stock", "eq": 3.0}',
        '{"column": "stock", "in": [3, -7.0, 100000000000000000000]}',
        '{"column": "price", "eq": 3}',
        '{"column": "price", "gt": 0.5, "lt": 7}',
        '{"column": "new", "eq": false}',
        '{"column": "new", "exists": true}',
        '{"column": "price", "in": []}',
    ],
)
def test_values_of_the_column_s_type_fit(text: str) -> None:
    check_filter(parse_filter(text), COLUMNS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"column": "stock", "eq": "x"}',
         "filter.eq is 'x', but column 'stock' is integer: expected a whole number"),
        ('{"column": "stock", "eq": 2.5}', "filter.eq is 2.5, but column 'stock' is integer"),
        ('{"column": "stock", "eq": true}', "filter.eq is True, but column 'stock' is integer"),
        ('{"column": "price", "in": [1, false]}',
         "filter.in[1] is False, but column 'price' is number: expected a number"),
        ('{"column": "price", "lt": "7"}', "filter.lt is '7', but column 'price' is number"),
        ('{"column": "color", "eq": 7}', "filter.eq is 7, but column 'color' is text"),
        ('{"column": "new", "eq": 1}',
         "filter.eq is 1, but column 'new' is boolean: expected true or false"),
        ('{"column": "new", "gte": 0}', "filter.gte is 0, but column 'new' is boolean and has no "
         "order: expected eq, in or exists"),
        ('{"and": [{}, {"or": [{"not": {"column": "stock", "lt": 1, "gt": "a"}}]}]}',
         "filter.and[1].or[0].not.gt is 'a'"),
    ],
)  # fmt: skip
def test_values_of_another_type_are_named_with_place_and_type(text: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        check_filter(parse_filter(text), COLUMNS)
    assert words in str(caught.value)


def test_first_of_several_faults_is_told() -> None:
    text = '{"or": [{"column": "stock", "eq": "x"}, {"column": "size", "eq": 1}]}'
    with pytest.raises(FilterError, match=r"filter\.or\[0\]"):
        check_filter(parse_filter(text), COLUMNS)


def test_unknown_column_is_told_which_there_are() -> None:
    filter = parse_filter('{"not": {"column": "size", "exists": true}}')
    words = "unknown metadata column 'size': expected one of color, price, stock, new"
    with pytest.raises(UnknownNameError, match=words):
        check_filter(filter, COLUMNS)
    with pytest.raises(UnknownNameError, match=r"expected one of \(none\)"):
        check_filter(filter, {})


def test_published_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    schema = Asked.model_json_schema()
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    for good in ({}, WHOLE, nested(5)):
        assert check.is_valid({"filter": good})
    for bad in (
        [], {"column": "a"}, {"column": "a", "eq": None}, {"column": "a", "gt": None}, {"or": []},
        {"column": "a", "eq": 1, "gt": 2}, {"and": [{"shows": "crimson"}]}, {"color": "red"},
        {"column": "a", "gt": True}, {"not": {}, "and": []},
    ):  # fmt: skip
        assert not check.is_valid({"filter": bad}), bad
