"""The form that filters on metadata and colors are written in.

A filter is ``{}`` (everything), a condition on a column, ``{"shows": color}``, or several filters
joined by ``and``, ``or`` and ``not``. It is two-valued: a missing value meets no comparison, so
``not`` of one is true.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_serializer,
    model_validator,
)

from indexer.errors import FilterError
from models.colors import ColorName
from models.errors import shorten

Scalar = str | int | float | bool
_BOUNDS = ("gt", "gte", "lt", "lte")
_TESTS = ("eq", "in", *_BOUNDS, "exists")
_KINDS = ("column", "and", "or", "not", "shows")


# The deepest that any setting can allow.
MAX_DEPTH = 64


@dataclass(frozen=True)
class FilterLimits:
    """How deep a filter may be nested, and how many conditions it may have; each value of an
    ``in`` counts as one."""

    max_depth: int = 16
    max_conditions: int = 256


def _scalar(value: object) -> object:
    if value is None:
        raise ValueError("null is no value to compare with: a missing one is found by exists")
    if not isinstance(value, str | int | float):
        raise ValueError("expected text, a number, true or false")
    if isinstance(value, int | float) and not _is_finite(value):
        raise ValueError("expected a finite number")
    return value


def _is_finite(value: int | float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an integer that no float comes near
        return False


Value = Annotated[str | int | float | bool, BeforeValidator(_scalar)]


def _bound(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false have no order: expected text or a number")
    return _scalar(value)


Bound = Annotated[str | int | float | None, BeforeValidator(_bound)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        pairs = (
            (field.alias or name, getattr(self, name))
            for name, field in type(self).model_fields.items()
        )
        return {name: value for name, value in pairs if value is not None}


class All(_Part):
    """Everything: the empty filter."""


ALL = All()


class Condition(_Part):
    """A test of one column."""

    column: str = Field(description="A metadata column.")

    @model_validator(mode="before")
    @classmethod
    def _one_test(cls, given: Any) -> Any:
        if isinstance(given, dict):
            found = [name for name in _TESTS if name in given]
            kinds = {"bounds" if name in _BOUNDS else name for name in found}
            if len(kinds) != 1:
                raise ValueError(
                    "a condition needs exactly one of eq, in, exists and bounds (gt, gte, lt, "
                    f"lte), got {', '.join(found) or 'none'}"
                )
        return given


class Equals(Condition):
    """The column has this value."""

    eq: Value


class OneOf(Condition):
    """The column has one of these values."""

    values: list[Value] = Field(alias="in")


class Exists(Condition):
    """The column has a value at all, or has none."""

    exists: bool


def _only_given(schema: dict[str, Any]) -> None:
    """Say what a bound may be and that there is one; ``None`` only stands for one left out."""
    for name in _BOUNDS:
        found = schema["properties"][name]
        found.pop("default", None)
        found["anyOf"] = [one for one in found["anyOf"] if one != {"type": "null"}]
    schema["minProperties"] = 2


class Range(Condition):
    """The column's value lies within bounds, each left open if not given."""

    model_config = ConfigDict(json_schema_extra=_only_given)

    gt: Bound = Field(None, description="Greater than.")
    gte: Bound = Field(None, description="Greater or equal.")
    lt: Bound = Field(None, description="Less than.")
    lte: Bound = Field(None, description="Less or equal.")

    @property
    def bounds(self) -> dict[str, str | int | float]:
        """The bounds that are given, by name."""
        pairs = ((name, getattr(self, name)) for name in _BOUNDS)
        return {name: value for name, value in pairs if value is not None}


class Shows(_Part):
    """One of the picture's dominant colors has this name."""

    shows: ColorName


class And(_Part):
    """All of these filters; true if there are none."""

    filters: list["_Any"] = Field(alias="and")


def _not_empty(filters: object) -> object:
    if filters == []:
        raise ValueError("expected at least one filter")
    return filters


class Or(_Part):
    """At least one of these filters."""

    filters: Annotated[list["_Any"], BeforeValidator(_not_empty)] = Field(alias="or", min_length=1)


class Not(_Part):
    """Whatever this filter does not let pass."""

    filter: "_Any" = Field(alias="not")


def _branch(given: object) -> str | None:
    """Return the tag of the one kind of filter that is meant, as told by the keys present.

    Tags begin with a capital, so that they are told from fields in the place of an error.
    """
    if isinstance(given, _Part):
        return type(given).__name__
    if not isinstance(given, dict):
        return None
    kind = next((name for name in _KINDS if name in given), "all")
    if kind != "column":
        return kind.capitalize()
    test = next((name for name in _TESTS if name in given), "eq")
    return {"eq": "Equals", "in": "OneOf", "exists": "Exists"}.get(test, "Range")


def _one_kind(given: object) -> object:
    """Refuse what is no filter at all, or none of one kind."""
    if not isinstance(given, dict | _Part):
        raise ValueError(f"expected a filter: an object with one of {', '.join(_KINDS)}, or {{}}")
    if isinstance(given, dict) and given:
        kinds = [name for name in _KINDS if name in given]
        if len(kinds) != 1:
            found = ", ".join(shorten(str(name)) for name in (kinds or given))
            raise ValueError(f"a filter has one of {', '.join(_KINDS)}, got {shorten(found)}")
    return given


def check_depth(filter: Any, most: int = FilterLimits.max_depth) -> None:
    """Raise FilterError if a filter, or the parsed JSON of one, is nested deeper than ``most``:
    each and, or, not is one level. It may be however deep it likes."""
    depth = _depth(filter)
    if depth > most:
        raise FilterError(f"filter is nested {depth} deep: expected at most {most}")


def _refuse_the_deepest(document: Any) -> Any:
    """Refuse what no setting allows, before it is read: reading is recursive."""
    if _depth(document) > MAX_DEPTH:
        check_depth(document)  # says what is right unless set otherwise
    return document


def _depth(document: object) -> int:
    depth, level = 0, _inner(document)
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inner(outer)]
    return depth


def parts(filter: "Filter") -> "list[Filter]":
    """Return all filters that there are in ``filter``, itself first."""
    found = [filter]
    for one in found:  # grows on the way
        found += _inner(one)
    return found


def _inner(document: object) -> list[Any]:
    if isinstance(document, And | Or):
        return list(document.filters)
    if isinstance(document, Not):
        return [document.filter]
    if not isinstance(document, dict):
        return []
    joined = [document.get(name) for name in ("and", "or")]
    inner = [one for some in joined if isinstance(some, list) for one in some]
    return [*inner, document["not"]] if "not" in document else inner


_Any: TypeAlias = Annotated[
    Annotated[
        Annotated[All, Tag("All")]
        | Annotated[Equals, Tag("Equals")]
        | Annotated[OneOf, Tag("OneOf")]
        | Annotated[Range, Tag("Range")]
        | Annotated[Exists, Tag("Exists")]
        | Annotated[And, Tag("And")]
        | Annotated[Or, Tag("Or")]
        | Annotated[Not, Tag("Not")]
        | Annotated[Shows, Tag("Shows")],
        Discriminator(_branch),
    ],
    BeforeValidator(_one_kind),
]
for _model in (And, Or, Not):
    _model.model_rebuild()

Filter: TypeAlias = Annotated[_Any, BeforeValidator(_refuse_the_deepest)]
"""A filter, as a type and as a field of pydantic models, which raise FilterError for one that is
too deep and their own ValidationError for one that is malformed."""
