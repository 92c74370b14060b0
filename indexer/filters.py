"""Filters: read from JSON, and checked against a catalog's columns and the limits there are."""

from collections.abc import Callable, Mapping

from pydantic import TypeAdapter, ValidationError

from indexer.errors import FilterError
from indexer.filter_form import (
    ALL,
    And,
    Condition,
    Equals,
    Filter,
    FilterLimits,
    Not,
    OneOf,
    Or,
    Range,
    Scalar,
    check_depth,
    parts,
)
from models.errors import UnknownNameError, shorten

__all__ = ["ALL", "Filter", "FilterLimits", "check_filter", "check_fit", "parse_filter"]

_FILTER: TypeAdapter[Filter] = TypeAdapter(Filter)
_EXPECTED = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def parse_filter(text: str) -> Filter:
    """Return the filter that ``text`` is the JSON of; raises FilterError."""
    try:
        return _FILTER.validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["type"] == "json_invalid":
            raise FilterError(
                f"filter {shorten(text)!r} is not JSON: {fault['ctx']['error']}"
            ) from error
        message = str(fault["msg"]).removeprefix("Value error, ")
        raise FilterError(f"{_place(fault['loc'])}: {message}") from error


def _place(loc: tuple[int | str, ...]) -> str:
    parts = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in loc)
    return "filter" + "".join(part for part in parts if not part[1].isupper())


def check_filter(
    filter: Filter, columns: Mapping[str, str], limits: FilterLimits | None = None
) -> None:
    """Check that ``filter`` is within ``limits`` and fits columns of these types: text, integer,
    number or boolean.

    Raises UnknownNameError for a column that is not there, FilterError for all else.
    """
    limits = limits or FilterLimits()
    check_depth(filter, limits.max_depth)
    conditions = sum(_conditions(one) for one in parts(filter))
    if conditions > limits.max_conditions:
        raise FilterError(
            f"filter has {conditions} conditions: expected at most {limits.max_conditions}"
        )
    check_fit(filter, columns)


def _conditions(filter: Filter) -> int:
    if isinstance(filter, OneOf):
        return max(len(filter.values), 1)
    return int(not _inner("", filter))


def check_fit(filter: Filter, columns: Mapping[str, str]) -> None:
    """Check that ``filter`` fits columns of these types, however large it is.

    Raises UnknownNameError or FilterError.
    """
    left: list[tuple[str, Filter]] = [("filter", filter)]
    while left:
        path, one = left.pop()
        left += reversed(_inner(path, one))
        if isinstance(one, Condition):
            if one.column not in columns:
                raise UnknownNameError("metadata column", one.column, columns)
            _check_values(path, one, columns[one.column])


def _inner(path: str, filter: Filter) -> list[tuple[str, Filter]]:
    """Return the filters that ``filter`` joins, each with its path."""
    if isinstance(filter, And | Or):
        name = type(filter).__name__.lower()
        return [(f"{path}.{name}[{at}]", one) for at, one in enumerate(filter.filters)]
    return [(f"{path}.not", filter.filter)] if isinstance(filter, Not) else []


def _check_values(path: str, one: Condition, kind: str) -> None:
    for name, value in _values(one):
        if isinstance(one, Range) and kind == "boolean":
            raise FilterError(
                f"{path}.{name} is {shorten(repr(value))}, but column {one.column!r} is boolean "
                "and has no order: expected eq, in or exists"
            )
        # A bound may lie between whole numbers.
        fits = _FITS["number" if kind == "integer" and isinstance(one, Range) else kind]
        if not fits(value):
            raise FilterError(
                f"{path}.{name} is {shorten(repr(value))}, but column {one.column!r} is {kind}: "
                f"expected {_EXPECTED[kind]}"
            )


def _values(one: Condition) -> list[tuple[str, Scalar]]:
    if isinstance(one, Equals):
        return [("eq", one.eq)]
    if isinstance(one, OneOf):
        return [(f"in[{at}]", value) for at, value in enumerate(one.values)]
    return list(one.bounds.items()) if isinstance(one, Range) else []


def _is_whole(value: Scalar) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


_FITS: dict[str, Callable[[Scalar], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: _is_whole(value) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}
