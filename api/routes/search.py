"""Search: one JSON query, alone or with picture parts, and a short form for one picture."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response
from starlette.datastructures import UploadFile as ReceivedFile

from api.dependencies import Config, Index, Links, Lookups, Work
from api.examples import ANSWER, QUERIES
from api.forms import check_fields
from api.problems import declare
from api.urls import Addresses
from indexer.filters import ALL, parse_filter
from models.errors import shorten
from service.answer import Answer, Hit
from service.errors import QueryError
from service.query import MAX_EXPAND, ImageExample, Query, Term
from service.spelling import read_query

router = APIRouter()
# Characters of a query that are read on the event loop, to see what it needs: under a millisecond.
_READ_AT_ONCE = 16 * 1024
_PROBLEMS = declare(400, 408, 413, 422)
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
_FORM_FIELDS = (
    *("image", "attribute", "block", "limit", "min_score", "filter", "collapse", "expand"),
)


@router.post(
    "/search",
    response_model=Answer,
    summary="Search with a query",
    responses=_ANSWERS,
    openapi_extra={"requestBody": _BODY},
)
async def search(
    request: Request, index: Index, config: Config, work: Work, lookups: Lookups, links: Links
) -> Response:
    """Answer a query. Pictures come as keys, as base64, or as named parts of a multipart request
    beside the part `query`."""
    text, parts = await read_request(request, config.max_bytes)

    def answer(query: Query | None = None) -> Response:
        return _sent(index.searcher.answer(query or read_query(text), parts), links)

    if parts or len(text) > _READ_AT_ONCE:
        return await work.run(answer)
    query = read_query(text)
    return await (work if query.shows_pictures else lookups).run(lambda: answer(query))


@router.post(
    "/search/image",
    response_model=Answer,
    summary="Search with one picture",
    responses=_ANSWERS,
)
async def search_image(
    request: Request,
    index: Index,
    work: Work,
    links: Links,
    image: Annotated[UploadFile, File(description="The picture to search with.")],
    attribute: Annotated[str | None, Form(examples=["color"])] = None,
    block: Annotated[int | None, Form(ge=1, le=5)] = None,
    limit: Annotated[int, Form()] = 20,
    min_score: Annotated[float, Form(ge=0, le=1)] = 0.0,
    filter: Annotated[str | None, Form(description="A filter as JSON.")] = None,
    collapse: Annotated[Literal["picture"] | None, Form()] = None,
    expand: Annotated[int, Form(ge=0, le=MAX_EXPAND)] = 0,
) -> Response:
    """Find pictures like the one sent, in an attribute (or a block)."""
    check_fields(await request.form(), _FORM_FIELDS)
    if (attribute is None) == (block is None):
        raise QueryError("send exactly one of attribute and block, such as attribute=color")
    index.searcher.check_limit(limit)
    term = Term(attribute=attribute, block=block, image=ImageExample(part="image"), expand=expand)
    query = Query(
        terms=[term],
        limit=limit,
        min_score=min_score,
        filter=parse_filter(filter) if filter else ALL,
        collapse=collapse,
    )
    parts = {"image": await image.read()}
    return await work.run(lambda: _sent(index.searcher.answer(query, parts), links))


async def read_request(request: Request, max_bytes: int) -> tuple[bytes | str, dict[str, bytes]]:
    """Return the text of a request's query and its picture parts by name."""
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


def _sent(answer: Answer, links: Addresses) -> Response:
    """Return an answer as JSON, made here in a thread and at once: FastAPI takes seven times as
    long, on the event loop."""
    with_urls(answer.hits, links)
    return Response(answer.model_dump_json(), media_type="application/json")


def with_urls(hits: Iterable[Hit], links: Addresses) -> None:
    """Give hits the addresses of their pictures."""
    for hit in hits:
        hit.image_url = links.of("images", hit.key)
        hit.thumbnail_url = links.of("thumbnails", hit.key)
