"""What people say of hits: recorded, listed, taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from api.dependencies import Config, Index, Reads, Work
from api.problems import declare
from api.routes.search import read_request
from indexer.errors import UnknownFeedbackError
from service.judgements import FeedbackPage, page_of
from service.judging import Feedback, Judge, Recorded
from service.spelling import read_json

router = APIRouter()
_WRITES = declare(403, 503, 507)
_REF = {"$ref": "#/components/schemas/Feedback"}
_KEY, _HIT = "images/red-dots-0.jpg", "images/red-herringbone-0.jpg"
_PAIR = {"attribute": "color", "hit": _HIT, "same": True}
_NUMBER = {"ge": 0, "le": 2**63 - 1}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": _REF,
            "examples": {
                "by key": {
                    "summary": "Two hits of an item's",
                    "value": {
                        "pairs": [
                            {**_PAIR, "query": {"key": _KEY}},
                            {
                                "attribute": "color",
                                "query": {"key": _KEY},
                                "hit": "images/blue-dots-0.jpg",
                                "same": False,
                            },
                        ]
                    },
                },
                "by color": {
                    "summary": "A hit of a color's",
                    "value": {"pairs": [{**_PAIR, "query": {"palette": [{"hex": "#d62020"}]}}]},
                },
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
    "/feedback",
    summary="Say which hits are the same",
    responses={**_WRITES, **declare(400, 404, 408, 409, 413, 422)},
    openapi_extra={"requestBody": _BODY},
)
async def give_feedback(request: Request, index: Index, config: Config, work: Work) -> Recorded:
    """Record whether hits are the same as what was searched with, in an attribute; all or none.

    Pictures come as in a search; the part `query` of a multipart request is then the whole JSON.
    The same judgement again changes nothing, the opposite one takes its place. On return it is
    durable, and `hueweave fit --feedback` learns from it.
    """
    text, parts = await read_request(request, config.max_bytes)
    key_id = getattr(request.state, "key_id", None)
    judge = Judge(index.store, index.searcher, config.max_feedback)
    return await work.run(lambda: judge.record(read_json(Feedback, text), parts, key_id))


@router.get("/feedback", summary="List judgements", responses=declare(422))
async def list_feedback(
    index: Index,
    read: Reads,
    attribute: Annotated[str | None, Query(description="Only those in this attribute.")] = None,
    after: Annotated[int, Query(description="Go on after this id.", **_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FeedbackPage:
    """Return judgements in order of id, a page at a time."""
    return await read.run(lambda: page_of(index.store, attribute, after, limit))


@router.delete(
    "/feedback/{id}",
    summary="Take a judgement back",
    status_code=204,
    responses={**_WRITES, **declare(404, 422)},
)
async def delete_feedback(
    id: Annotated[int, Path(description="The id of a judgement.", **_NUMBER)],
    index: Index,
    work: Work,
) -> None:
    """Remove a judgement."""

    def remove() -> None:
        if not index.store.feedback.remove([id]):
            raise UnknownFeedbackError(f"no judgement has the id {id}")

    await work.run(remove)
