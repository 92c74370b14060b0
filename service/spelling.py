"""Terms and palettes as a person writes them in a shell."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import shorten
from service.errors import QueryError
from service.faults import describe_invalid
from service.query import ImageExample, Query, Region, Swatch, Term

Model = TypeVar("Model", bound=BaseModel)

_TERM = "ATTRIBUTE[:WEIGHT]=EXAMPLE, such as color:0.7=shirt.jpg, texture=key:images/a.jpg or "
_FORMS = _TERM + "color='palette:#7a1f2b 60, ivory 30, any 10'"
_KEY, _PALETTE = "key:", "palette:"
# More than a query of the most terms, examples and conditions has.
_MAX_VALUES = 100_000


def read_terms(texts: list[str]) -> tuple[list[Term], dict[str, Path]]:
    """Return terms written as ``ATTRIBUTE[:WEIGHT]=EXAMPLE`` and the files of their parts.

    An attribute that is a number is a block. An example is a picture's path, ``key:`` and an
    item's key, or ``palette:`` and a palette. Raises QueryError.
    """
    terms: list[Term] = []
    files: dict[str, Path] = {}
    for at, text in enumerate(texts):
        what, equals, example = text.partition("=")
        name, colon, weight = what.partition(":")
        if not (equals and name.strip() and example):
            raise QueryError(f"term {shorten(text)!r}: expected {_FORMS}")
        fields: dict[str, object] = {"weight": _number(weight, text) if colon else 1.0}
        name = name.strip()
        fields |= {"block": int(name)} if name.isdecimal() else {"attribute": name}
        if example.startswith(_PALETTE):
            fields["palette"] = read_palette(example.removeprefix(_PALETTE))
        elif example.startswith(_KEY):
            fields["image"] = ImageExample(key=example.removeprefix(_KEY))
        else:
            part = f"picture {at}"
            files[part] = Path(example)
            fields["image"] = ImageExample(part=part)
        terms.append(_valid(Term, fields, f"term {shorten(text)!r}"))
    return terms, files


def read_palette(text: str) -> list[Swatch]:
    """Return the colors of ``#7a1f2b 60, ivory 30, any 10``: hex or CSS name, and a share.

    Shares may be left out, then all are alike. Raises QueryError.
    """
    swatches = []
    for entry in text.split(","):
        words = entry.split()
        if not 1 <= len(words) <= 2:
            raise QueryError(
                f"palette {shorten(text)!r}: {entry.strip()!r} is no color with a share: "
                "expected such as '#7a1f2b 60, ivory 30, any 10'"
            )
        share = _number(words[1].removesuffix("%"), text) if len(words) == 2 else 1.0
        if not share > 0:
            raise QueryError(f"palette {shorten(text)!r}: a share of {words[1]} is not above 0")
        kind = "hex" if words[0].startswith("#") else "name"
        is_any = words[0].lower() == "any"
        fields = {"any": share} if is_any else {kind: words[0], "weight": share}
        swatches.append(_valid(Swatch, fields, f"palette {shorten(text)!r}"))
    return swatches


def read_region(text: str) -> Region:
    """Return ``0.2,0.1,0.8,0.9``, or ``40,20,160,180px``, as a region; raises QueryError."""
    unit, numbers = ("pixel", text[:-2]) if text.endswith("px") else ("fraction", text)
    found = re.split(r"\s*,\s*", numbers.strip())
    if len(found) != 4:
        raise QueryError(
            f"region {shorten(text)!r}: expected left,top,right,bottom in fractions such as "
            "0.2,0.1,0.8,0.9, or in pixels such as 40,20,160,180px"
        )
    return Region.model_validate({"unit": unit, "box": tuple(_number(one, text) for one in found)})


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise QueryError(f"{shorten(whole)!r}: {text!r} is no number")
    return value


def _valid(kind: type[Model], fields: Mapping[str, object], what: str) -> Model:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise QueryError(f"{what}: {first['msg'].lower()}") from error


def read_query(text: str | bytes) -> Query:
    """Return the query in a JSON text; raises QueryError naming what is wrong and where."""
    return read_json(Query, text)


def read_json(kind: type[Model], text: str | bytes) -> Model:
    """Return what ``text`` says as a ``kind``; raises QueryError naming what is wrong and where."""
    # Counted before it is read: tens of megabytes of tiny values would hold up every thread.
    values = (text.count(b",") if isinstance(text, bytes) else text.count(",")) + 1
    if values > _MAX_VALUES:
        raise QueryError(f"the query has some {values:,} values: expected at most {_MAX_VALUES:,}")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise QueryError(f"the query is not JSON: {first['ctx']['error']}") from error
        raise QueryError(describe_invalid(error.errors())) from error
