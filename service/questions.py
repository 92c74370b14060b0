"""What a shell's flags ask: a question a picture and attribute, or one composed question."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indexer.filters import parse_filter
from service.asking import Question, each_in_each, picture_paths, subjects
from service.errors import QueryError
from service.faults import describe_invalid
from service.palettes import COLOR
from service.query import MAX_EXPAND, ImageExample, ImageSource, Query, Term
from service.spelling import read_palette, read_query, read_region, read_terms

DEFAULT_LIMIT = 10
Example = tuple[str, ImageExample, Mapping[str, Path]]


@dataclass(frozen=True)
class Spelled:
    """The flags of `hueweave query`, as they were given; None or empty if they were not."""

    images: Sequence[str] = ()
    attributes: Sequence[str] = ()
    blocks: Sequence[int] = ()
    keys: Sequence[str] = ()
    listing: Path | None = None
    region: str | None = None
    mask: Path | None = None
    background: str | None = None
    palettes: Sequence[str] = ()
    terms: Sequence[str] = ()
    query_file: Path | None = None
    parts: Sequence[str] = ()
    filter: str | None = None
    limit: int | None = None
    min_score: float | None = None
    collapse: str | None = None
    expand: int | None = None
    cursor: str | None = None
    explain: bool = False


def questions(spelled: Spelled) -> list[Question]:
    """Return what the flags ask; raises QueryError or FilterError for what does not go together."""
    _check_one_way(spelled)
    try:
        return [_expanded(one, spelled.expand) for one in _questions(spelled)]
    except ValidationError as error:
        raise QueryError(describe_invalid(error.errors())) from error


def _questions(spelled: Spelled) -> list[Question]:
    """Return the same; raises ValidationError too, for a value that no query may have."""
    if spelled.query_file:
        return [_from_file(spelled, spelled.query_file)]
    if spelled.terms:
        terms, files = read_terms(list(spelled.terms))
        query = Query.model_validate({**_fields(spelled), "terms": terms})
        return [Question("  ".join(spelled.terms), query, files)]
    if spelled.cursor and not (_names_examples(spelled) or spelled.palettes):
        if spelled.attributes or spelled.blocks:
            raise QueryError("--cursor says what is asked: leave out --attribute and --block")
        return [Question("next page", Query.model_validate(_fields(spelled)))]
    return [*_with_palettes(spelled), *_with_examples(spelled)]


def _expanded(question: Question, expand: int | None) -> Question:
    """Return ``question`` with every term that attracts expanded by so many."""
    if expand is None:
        return question
    if not 0 <= expand <= MAX_EXPAND:
        raise QueryError(f"expand is {expand}: expected 0 to {MAX_EXPAND}")
    terms = [
        term.model_copy(update={"expand": expand}) if term.weight > 0 else term
        for term in question.query.terms
    ]
    return replace(question, query=question.query.model_copy(update={"terms": terms}))


def _with_palettes(spelled: Spelled) -> list[Question]:
    found = []
    for text in spelled.palettes:
        term = Term(attribute=COLOR, palette=read_palette(text))
        found.append(Question(text, Query.model_validate({**_fields(spelled), "terms": [term]})))
    return found


def _with_examples(spelled: Spelled) -> list[Question]:
    examples = _examples(spelled)
    if not examples:
        if spelled.palettes and not spelled.blocks and set(spelled.attributes) <= {COLOR}:
            return []
        raise QueryError("no picture is given: name one or more, or a list with --list FILE")
    asked = subjects(spelled.attributes, spelled.blocks)
    first = Term(attribute=asked[0].attribute, block=asked[0].block, image=examples[0][1])
    return list(
        each_in_each(examples, asked, Query.model_validate({**_fields(spelled), "terms": [first]}))
    )


def _examples(spelled: Spelled) -> list[Example]:
    edits: dict[str, Any] = {}
    files: dict[str, Path] = {}
    if spelled.region:
        edits["region"] = read_region(spelled.region)
    if spelled.mask:
        edits["mask"], files["mask"] = ImageSource(part="mask"), spelled.mask
    if spelled.background:
        edits["background"] = spelled.background
    found: list[Example] = [
        (path, ImageExample(part="image", **edits), {"image": Path(path), **files})
        for path in picture_paths(spelled.images, spelled.listing)
    ]
    return found + [(key, ImageExample(key=key, **edits), files) for key in spelled.keys]


def _from_file(spelled: Spelled, path: Path) -> Question:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read the query {str(path)!r}: {error}") from error
    query = read_query(text)
    given = _fields(spelled, {name: getattr(query, name) for name in query.model_fields_set})
    files = {}
    for part in spelled.parts:
        name, equals, file = part.partition("=")
        if not (name and equals and file):
            raise QueryError(f"part {part!r}: expected NAME=FILE, such as a=shirt.jpg")
        files[name] = Path(file)
    return Question(str(path), Query.model_validate(given), files)


def _fields(spelled: Spelled, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the query's fields that flags gave, over those ``known`` already."""
    given = {
        "limit": spelled.limit,
        "min_score": spelled.min_score,
        "collapse": spelled.collapse,
        "cursor": spelled.cursor,
        "filter": parse_filter(spelled.filter) if spelled.filter else None,
        "explain": spelled.explain or None,
    }
    found = {name: value for name, value in given.items() if value is not None}
    return {"limit": DEFAULT_LIMIT, **(known or {}), **found}


def _names_examples(spelled: Spelled) -> bool:
    return bool(spelled.images or spelled.keys or spelled.listing)


def _check_one_way(spelled: Spelled) -> None:
    """Raise QueryError for flags of two ways to ask at once."""
    simple = {
        "IMAGE": spelled.images,
        "--key": spelled.keys,
        "--list": spelled.listing,
        "--palette": spelled.palettes,
        "--attribute": spelled.attributes,
        "--block": spelled.blocks,
        "--region": spelled.region,
        "--mask": spelled.mask,
        "--background": spelled.background,
    }
    for whole, given in (("--query", spelled.query_file), ("--term", spelled.terms)):
        others = [name for name, value in simple.items() if value]
        if whole == "--query" and spelled.terms:
            others.append("--term")
        if given and others:
            raise QueryError(f"{whole} says it all: leave out {', '.join(others)}")
    if spelled.parts and not spelled.query_file:
        raise QueryError("--part names a picture of a JSON query: give that with --query")
    if (spelled.region or spelled.mask or spelled.background) and not _names_examples(spelled):
        raise QueryError("--region, --mask and --background say what counts of IMAGE or --key")
