"""Why one item answers a query: where in the pictures its likeness lies."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Config, Index, Links, Work
from api.problems import declare
from api.routes.search import read_request, with_urls
from service.answer import Hit
from service.query import Query
from service.spelling import read_json

router = APIRouter()


class Explain(BaseModel):
    """A query, and the item that it is asked about."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    key: str = Field(description="Key of an item of the index.")


_REF = {"$ref": "#/components/schemas/Explain"}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": _REF,
            "example": {
                "query": {
                    "terms": [{"attribute": "color", "image": {"key": "images/red-dots-0.jpg"}}]
                },
                "key": "images/red-dots-1.jpg",
            },
        },
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
    "/explain",
    summary="Why one item answers a query",
    responses=declare(400, 404, 408, 413, 422),
    openapi_extra={"requestBody": _BODY},
)
async def explain(request: Request, index: Index, config: Config, work: Work, links: Links) -> Hit:
    """Return an item as a hit of a query, with heat maps over it and over the query's pictures.

    Pictures come as in a search; the part `query` of a multipart request is then the whole JSON.
    """
    text, parts = await read_request(request, config.max_bytes)

    def answer() -> Hit:
        asked = read_json(Explain, text)
        hit = index.searcher.explain(asked.query, parts, asked.key)
        with_urls([hit], links)
        return hit

    return await work.run(answer)
