"""Search: one JSON query, alone or with picture parts, and a short form for one picture."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as ReceivedFile

from api.dependencies import Config, Index, Work
from api.examples import ANSWER, QUERIES
from api.problems import declare, describe_invalid
from api.urls import item_url
from models.errors import shorten
from service.errors import NotYetError, QueryError
from service.query import Answer, ImageExample, Query, Term, check_limit

router = APIRouter(prefix="/v1", tags=["search"])
_PROBLEMS = declare(400, 413, 422)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": ANSWER}}},
    **_PROBLEMS,
}
_REF = {"$ref": "#/components/schemas/Query"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": _REF, "examples": QUERIES},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["query"],
                "properties": {"query": _REF},
                "additionalProperties": {"type": "string", "format": "binary"},
            },
            "encoding": {"query": {"contentType": "application/json"}},
            "example": {
                "query": {"terms": [{"attribute": "color", "image": {"part": "a"}}]},
                "a": "(the bytes of a picture)",
            },
        },
    },
}
_FORM_FIELDS = ("image", "attribute", "block", "limit", "min_score", "filter")
# Fields of the query that the short form does not have yet.
_LATER_FIELDS = set(Query.model_fields) - set(_FORM_FIELDS)
_FILTER = TypeAdapter(dict[str, Any])


@router.post(
    "/search",
    summary="Search with a query",
    responses=_ANSWERS,
    openapi_extra={"requestBody": _BODY},
)
async def search(request: Request, index: Index, config: Config, work: Work) -> Answer:
    """Answer a query. Pictures come as keys, as base64, or as named parts of a multipart request
    beside the part `query`."""
    text, parts = await _read(request, config.max_bytes)

    def answer() -> Answer:
        query = _parse(text)
        check_limit(query.limit, config.max_limit)
        return _with_urls(index.searcher.answer(query, parts))

    return await work.run(answer)


@router.post("/search/image", summary="Search with one picture", responses=_ANSWERS)
async def search_image(
    request: Request,
    index: Index,
    config: Config,
    work: Work,
    image: Annotated[UploadFile, File(description="The picture to search with.")],
    attribute: Annotated[str | None, Form(examples=["color"])] = None,
    block: Annotated[int | None, Form(ge=1, le=5)] = None,
    limit: Annotated[int, Form()] = 20,
    min_score: Annotated[float, Form(ge=0, le=1)] = 0.0,
    filter: Annotated[str | None, Form(description="A filter as JSON.")] = None,
) -> Answer:
    """Find pictures like the one sent, in an attribute (or a block)."""
    _check_fields(await request.form())
    if (attribute is None) == (block is None):
        raise QueryError("send exactly one of attribute and block, such as attribute=color")
    check_limit(limit, config.max_limit)
    term = Term(attribute=attribute, block=block, image=ImageExample(part="image"))
    query = Query(terms=[term], limit=limit, min_score=min_score, filter=_filter(filter))
    parts = {"image": await image.read()}
    return await work.run(lambda: _with_urls(index.searcher.answer(query, parts)))


async def _read(request: Request, max_bytes: int) -> tuple[bytes | str, dict[str, bytes]]:
    given = request.headers.get("content-type", "")
    kind = given.split(";")[0].strip().lower()
    if kind == "application/json":
        return await request.body(), {}
    if kind != "multipart/form-data":
        raise QueryError(f"content type {kind!r}: expected application/json or multipart/form-data")
    if re.search(r"charset=(?!\"?utf-?8\b)", given, re.IGNORECASE):
        raise QueryError(f"content type {shorten(given)!r}: expected UTF-8")
    # Starlette's own limit on a part of text is 1 MiB, too little for a picture in base64.
    async with request.form(max_part_size=2 * max_bytes) as form:
        if "query" not in form:
            raise QueryError(f"no part 'query' was sent; sent were {', '.join(form) or 'none'}")
        for name, value in form.multi_items():
            if len(form.getlist(name)) > 1:
                raise QueryError(f"part {shorten(name)!r} was sent more than once")
            if name != "query" and not isinstance(value, ReceivedFile):
                raise QueryError(f"part {shorten(name)!r} is text: parts are pictures, as files")
        query = form["query"]
        text = await query.read() if isinstance(query, ReceivedFile) else query
        parts = {
            name: await value.read()
            for name, value in form.items()
            if isinstance(value, ReceivedFile) and name != "query"
        }
    return text, parts


def _parse(text: bytes | str) -> Query:
    try:
        return Query.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise QueryError(f"the query is not JSON: {first['ctx']['error']}") from error
        raise QueryError(describe_invalid(error)) from error


def _filter(text: str | None) -> dict[str, Any]:
    try:
        return _FILTER.validate_json(text) if text else {}
    except ValidationError as error:
        raise QueryError(
            f"filter is {str(text)[:80]!r}: expected a JSON object; {error.errors()[0]['msg']}"
        ) from error


def _check_fields(form: FormData) -> None:
    for name in form:
        if name in _LATER_FIELDS:
            raise NotYetError(name)
        if name not in _FORM_FIELDS:
            known = ", ".join(_FORM_FIELDS)
            raise QueryError(f"unknown field {shorten(name)!r}: expected some of {known}")
        if len(form.getlist(name)) > 1:
            raise QueryError(f"field {name!r} was sent more than once")


def _with_urls(answer: Answer) -> Answer:
    for hit in answer.hits:
        hit.image_url = item_url("images", hit.key)
        hit.thumbnail_url = item_url("thumbnails", hit.key)
    return answer
