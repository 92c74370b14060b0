"""Errors as RFC 9457 problem documents; the message names the value and the limit it broke."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from api.errors import BusyError, LateError, OverloadError
from api.tracing import REQUEST_ID
from indexer.errors import (
    ColumnTypeError,
    DiskFullError,
    FeedbackFullError,
    FilterError,
    IndexBusyError,
    ReadOnlyError,
    UnknownFeedbackError,
    UnknownKeyError,
)
from models.errors import (
    BlockError,
    ColorError,
    HueweaveError,
    PictureError,
    PictureTooLargeError,
    UnknownNameError,
)
from service.errors import (
    AliasError,
    ConditionError,
    FeedbackError,
    IndexConflictError,
    ItemError,
    LineError,
    NewIndexError,
    NotLoadedError,
    QueryError,
    UnknownAliasError,
    UnknownIndexError,
)
from service.faults import describe_invalid
from service.remote import PICTURE_PROBLEM

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_BLANK = "about:blank"
LOADING_PROBLEM = "urn:hueweave:loading"
RETRY = {"Retry-After": "1"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_UNEXPECTED = "something went wrong in the server"


@dataclass(frozen=True)
class _Kind:
    status: int
    type: str = _BLANK
    headers: dict[str, str] | None = None
    detail: str | None = None
    """Instead of the error's own text, which names folders of the server's."""


# The first class on an error's own list of ancestors that stands here decides. What does not stand
# here is the server's own trouble: a damaged file, a full disk.
_KINDS: dict[type[HueweaveError], _Kind] = {
    PictureTooLargeError: _Kind(413, PICTURE_PROBLEM),
    PictureError: _Kind(422, PICTURE_PROBLEM),
    UnknownKeyError: _Kind(404, "urn:hueweave:unknown-key"),
    ColorError: _Kind(422, "urn:hueweave:color"),
    UnknownNameError: _Kind(422, "urn:hueweave:unknown-name"),
    BlockError: _Kind(422, "urn:hueweave:unknown-block"),
    FilterError: _Kind(422, "urn:hueweave:filter"),
    QueryError: _Kind(422, "urn:hueweave:query"),
    LineError: _Kind(400, "urn:hueweave:line"),
    ItemError: _Kind(422, "urn:hueweave:item"),
    FeedbackError: _Kind(422, "urn:hueweave:feedback"),
    FeedbackFullError: _Kind(409, "urn:hueweave:feedback-full"),
    UnknownFeedbackError: _Kind(404, "urn:hueweave:unknown-feedback"),
    ColumnTypeError: _Kind(422, "urn:hueweave:column-type"),
    ConditionError: _Kind(412, "urn:hueweave:condition"),
    ReadOnlyError: _Kind(
        403, "urn:hueweave:read-only", detail="the index is open read-only: it cannot be changed"
    ),
    IndexBusyError: _Kind(
        503, "urn:hueweave:busy", RETRY, "the index is being written by {owner}: try again"
    ),
    DiskFullError: _Kind(
        507, "urn:hueweave:disk-full", detail="no room on the server's disk: nothing was changed"
    ),
    UnknownIndexError: _Kind(404, "urn:hueweave:unknown-index"),
    UnknownAliasError: _Kind(404, "urn:hueweave:unknown-alias"),
    AliasError: _Kind(409, "urn:hueweave:alias"),
    NewIndexError: _Kind(422, "urn:hueweave:new-index"),
    IndexConflictError: _Kind(409, "urn:hueweave:index-conflict"),
    NotLoadedError: _Kind(503, LOADING_PROBLEM, RETRY),
    BusyError: _Kind(429),
    LateError: _Kind(503),
}


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(_BLANK, description="What kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong here, and what would be right.")
    instance: str | None = Field(None, description="The path that was asked for.")
    request_id: str | None = Field(
        None, description="Id of the request, as in the server's log and in X-Request-ID."
    )


def declare(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI ``responses`` of these statuses, each a problem document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {one: {"description": HTTPStatus(one).phrase, "content": content} for one in statuses}


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem document."""
    app.add_exception_handler(HueweaveError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def problem_response(
    status: int,
    detail: str,
    path: str | None = None,
    *,
    kind: str = _BLANK,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document as a response."""
    title = HTTPStatus(status).phrase
    problem = Problem(
        type=kind,
        title=title,
        status=status,
        detail=detail,
        instance=path,
        request_id=REQUEST_ID.get(),
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )


async def _on_disconnect(request: Request, error: Exception) -> JSONResponse:
    return problem_response(400, "the client left before its request was whole", request.url.path)


def describe(error: Exception) -> tuple[int, str]:
    """Return the status of an error and what is said of it; 500 for one nobody foresaw."""
    kind = _kind_of(error)
    return (500, _UNEXPECTED) if kind is None else (kind.status, _detail(kind, error))


def _kind_of(error: Exception) -> _Kind | None:
    return next((_KINDS[one] for one in type(error).__mro__ if one in _KINDS), None)


def _detail(kind: _Kind, error: Exception) -> str:
    if kind.detail is None:
        return str(error)
    return kind.detail.format(owner=error.owner if isinstance(error, IndexBusyError) else "")


async def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HueweaveError)
    kind = _kind_of(error)
    if kind is None:
        return await _on_unexpected(request, error)
    headers = kind.headers
    if isinstance(error, OverloadError):
        headers = {"Retry-After": str(error.retry_after)}
    return problem_response(
        kind.status, _detail(kind, error), request.url.path, kind=kind.type, headers=headers
    )


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(422, describe_invalid(error.errors()), request.url.path)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    if headers and "Allow" in headers:
        headers["Allow"] = ", ".join(_methods_at(request))
    path = request.url.path
    sentences = {
        404: f"there is nothing at {path!r}; /docs lists what there is",
        405: f"{request.method} is not possible at {path!r}",
    }
    # Starlette's own errors say no more than the status does.
    bare = error.detail == HTTPStatus(error.status_code).phrase
    detail = sentences.get(error.status_code, error.detail) if bare else error.detail
    return problem_response(error.status_code, str(detail), path, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """Return all methods of a path; Starlette names those of the first of its routes."""

    def is_there(method: str) -> bool:
        # HEAD is answered as GET is.
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in _METHODS if is_there(method)]


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    return unexpected(request.url.path, error)


def unexpected(path: str, error: Exception) -> JSONResponse:
    """Log an error that is the server's own, and return what the client is told of it."""
    # Never the exception's own text: it may hold paths or data.
    log.error("unexpected error on %s", path, exc_info=error)
    return problem_response(500, _UNEXPECTED, path)
