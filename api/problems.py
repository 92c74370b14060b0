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

from indexer.errors import FilterError, UnknownKeyError
from models.errors import (
    BlockError,
    ColorError,
    HueweaveError,
    PictureError,
    PictureTooLargeError,
    UnknownNameError,
)
from service.errors import NotYetError, QueryError
from service.faults import describe_invalid
from service.remote import PICTURE_PROBLEM

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_BLANK = "about:blank"


@dataclass(frozen=True)
class _Kind:
    status: int
    type: str = _BLANK


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
    NotYetError: _Kind(422, "urn:hueweave:not-available"),
    QueryError: _Kind(422, "urn:hueweave:query"),
}


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(_BLANK, description="What kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong here, and what would be right.")
    instance: str | None = Field(None, description="The path that was asked for.")


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
    problem = Problem(type=kind, title=title, status=status, detail=detail, instance=path)
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )


async def _on_disconnect(request: Request, error: Exception) -> JSONResponse:
    return problem_response(400, "the client left before its request was whole", request.url.path)


async def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HueweaveError)
    kind = next((_KINDS[one] for one in type(error).__mro__ if one in _KINDS), None)
    if kind is None:
        return await _on_unexpected(request, error)
    return problem_response(kind.status, str(error), request.url.path, kind=kind.type)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(422, describe_invalid(error.errors()), request.url.path)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    path = request.url.path
    sentences = {
        404: f"there is nothing at {path!r}; /docs lists what there is",
        405: f"{request.method} is not possible at {path!r}",
    }
    # Starlette's own errors say no more than the status does.
    bare = error.detail == HTTPStatus(error.status_code).phrase
    detail = sentences.get(error.status_code, error.detail) if bare else error.detail
    return problem_response(error.status_code, str(detail), path, headers=headers)


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    # Never the exception's own text: it may hold paths or data.
    log.error("unexpected error on %s", request.url.path, exc_info=error)
    return problem_response(500, "something went wrong in the server", request.url.path)
