"""Search: one JSON query, alone or with picture parts, and a short form for one picture."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile as ReceivedFile

from api.dependencies import Config, Index
from api.problems import Problem
from api.urls import item_url
from service.asking import check_limit
from service.errors import QueryError
from service.query import Answer, ImageExample, Query, Term

router = APIRouter(prefix="/v1", tags=["search"])
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The request cannot be read"},
    413: {"model": Problem, "description": "The body or a picture is past a limit"},
    422: {"model": Problem, "description": "The query or a picture is wrong"},
}
EXAMPLES = {
    "by key": {
        "summary": "Like an item of the index, in color",
        "value": {
            "terms": [{"attribute": "color", "image": {"key": "images/red-dots-0.jpg"}}],
            "limit": 5,
        },
    },
    "by block": {
        "summary": "Like an item, in block 3",
        "value": {"terms": [{"block": 3, "image": {"key": "images/red-dots-0.jpg"}}]},
    },
}
_REF = {"$ref": "#/components/schemas/Query"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": _REF, "examples": EXAMPLES},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["query"],
                "properties": {"query": _REF},
                "additionalProperties": {"type": "string", "format": "binary"},
            },
            "encoding": {"query": {"contentType": "application/json"}},
        },
    },
}


@router.post(
    "/search", summary="Search with a query", responses=ERRORS, openapi_extra={"requestBody": _BODY}
)
async def search(request: Request, index: Index, config: Config) -> Answer:
    """Answer a query. Pictures come as keys, as base64, or as named parts of a multipart request
    beside the part `query`."""
    query, parts = await _read(request, config.max_bytes)
    check_limit(query.limit, config.max_limit)
    return _with_urls(await run_in_threadpool(index.searcher.answer, query, parts))


@router.post("/search/image", summary="Search with one picture", responses=ERRORS)
async def search_image(
    index: Index,
    config: Config,
    image: Annotated[UploadFile, File(description="The picture to search with.")],
    attribute: Annotated[str | None, Form(examples=["color"])] = None,
    block: Annotated[int | None, Form()] = None,
    limit: Annotated[int, Form()] = 20,
    min_score: Annotated[float, Form(ge=0, le=1)] = 0.0,
    filter: Annotated[str | None, Form(description="A filter as JSON.")] = None,
) -> Answer:
    """Find pictures like the one sent, in an attribute (or a block)."""
    if (attribute is None) == (block is None):
        raise QueryError("send exactly one of attribute and block, such as attribute=color")
    check_limit(limit, config.max_limit)
    term = Term(attribute=attribute, block=block, image=ImageExample(part="image"))
    query = Query(terms=[term], limit=limit, min_score=min_score, filter=_filter(filter))
    parts = {"image": await image.read()}
    return _with_urls(await run_in_threadpool(index.searcher.answer, query, parts))


async def _read(request: Request, max_bytes: int) -> tuple[Query, dict[str, bytes]]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        return _parse(await request.body()), {}
    if kind != "multipart/form-data":
        raise QueryError(f"content type {kind!r}: expected application/json or multipart/form-data")
    # Starlette's own limit on a part of text is 1 MiB, too little for a picture in base64.
    async with request.form(max_part_size=2 * max_bytes) as form:
        if "query" not in form:
            raise QueryError(f"no part 'query' was sent; sent were {', '.join(form) or 'none'}")
        query = form["query"]
        text = await query.read() if isinstance(query, ReceivedFile) else query
        parts = {
            name: await value.read()
            for name, value in form.items()
            if isinstance(value, ReceivedFile) and name != "query"
        }
    return _parse(text), parts


def _parse(text: bytes | str) -> Query:
    try:
        return Query.model_validate_json(text)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise QueryError(
                f"the query is not JSON: {error.errors()[0]['ctx']['error']}"
            ) from error
        raise


def _filter(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise QueryError(f"filter is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise QueryError(f"filter is {text[:80]!r}: expected a JSON object")
    return parsed


def _with_urls(answer: Answer) -> Answer:
    for hit in answer.hits:
        hit.image_url = item_url("images", hit.key)
        hit.thumbnail_url = item_url("thumbnails", hit.key)
    return answer
