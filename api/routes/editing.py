"""Items changed one by one: put, patched, deleted."""

from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile as ReceivedFile

from api import urls as urls  # registers the convertor `key`, used in the paths below
from api.dependencies import Index, Links, Work
from api.forms import check_fields, media_type
from api.problems import declare
from api.schemas import ItemView, view_item
from service.conditions import Condition, read_condition, tag_of
from service.editing import Done, Put
from service.errors import ItemError
from service.item_values import read_metadata

router = APIRouter()
_MERGE_PATCH = "application/merge-patch+json"
_PROBLEMS = declare(403, 412, 503, 507)
_TAG: dict[str, Any] = {"ETag": {"description": "Its entity tag", "schema": {"type": "string"}}}
_METADATA = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_CHANGES = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    "example": {"price": 19.9, "season": None},
}
_PUT_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {
                    "image": {"type": "string", "format": "binary"},
                    "metadata": _METADATA,
                },
            },
            "encoding": {"metadata": {"contentType": "application/json"}},
        }
    },
}
_PATCH_BODY = {
    "required": True,
    "content": {one: {"schema": _CHANGES} for one in ("application/json", _MERGE_PATCH)},
}


async def _condition(request: Request) -> Condition:
    headers = request.headers
    return read_condition(headers.getlist("if-match"), headers.getlist("if-none-match"))


async def _key(key: str, request: Request) -> str:
    """Return the key in the path; what is not UTF-8 there was replaced when it was decoded."""
    if "\ufffd" in key:
        try:
            unquote_to_bytes(request.scope["raw_path"]).decode()
        except UnicodeDecodeError as error:
            raise ItemError("the key is not UTF-8: percent-encode the bytes of UTF-8") from error
    return key


Key = Annotated[str, Depends(_key)]
If = Annotated[Condition, Depends(_condition)]


@router.put(
    "/items/{key:key}",
    summary="Put an item",
    responses={
        200: {"description": "It replaced another, or was as it is already", "headers": _TAG},
        201: {"model": ItemView, "description": "It is new", "headers": _TAG},
        **_PROBLEMS,
        **declare(400, 408, 413, 415, 422),
    },
    openapi_extra={"requestBody": _PUT_BODY},
)
async def put_item(
    key: Key,
    index: Index,
    request: Request,
    response: Response,
    work: Work,
    links: Links,
    condition: If,
) -> ItemView:
    """Store a picture, which the index keeps, with its metadata, and replace what was there.

    On return it is durable, and the next search sees it. With `If-Match` and an item's `ETag` only
    that is replaced, with `If-None-Match: *` none.
    """
    put = await _read_put(key, request)
    done = await work.run(lambda: index.editor.put(put, condition))
    if done.result == "created":
        response.status_code = 201
        response.headers["Location"] = links.of("items", key)
    return _answer(done, response, links)


@router.patch(
    "/items/{key:key}",
    summary="Change an item's metadata",
    responses={
        200: {"description": "The item as it is now", "headers": _TAG},
        **_PROBLEMS,
        **declare(400, 408, 413, 415, 422),
    },
    openapi_extra={"requestBody": _PATCH_BODY},
)
async def patch_item(
    key: Key,
    index: Index,
    request: Request,
    response: Response,
    work: Work,
    links: Links,
    condition: If,
) -> ItemView:
    """Merge changes into an item's metadata as RFC 7396 says: `null` removes a value."""
    _check_kind(request, "application/json", _MERGE_PATCH)
    changes = read_metadata(await request.body())
    done = await work.run(lambda: index.editor.patch(key, changes, condition))
    return _answer(done, response, links)


@router.delete(
    "/items/{key:key}",
    summary="Delete an item",
    status_code=204,
    responses={**_PROBLEMS, **declare(422)},
)
async def delete_item(key: Key, index: Index, work: Work, condition: If) -> None:
    """Remove an item, and the picture that the index keeps of it.

    A picture that the index was built from stays where it is: the next build adds it again.
    """
    await work.run(lambda: index.editor.remove(key, condition))


async def _read_put(key: str, request: Request) -> Put:
    """Return what a form asks to be stored; raises ItemError, QueryError or HTTPException."""
    _check_kind(request, "multipart/form-data")
    async with request.form() as form:
        check_fields(form, ("image", "metadata"))
        image, metadata = form.get("image"), form.get("metadata", "{}")
        if not isinstance(image, ReceivedFile):
            raise ItemError("no picture was sent: send it as the file 'image'")
        text = await metadata.read() if isinstance(metadata, ReceivedFile) else metadata
        return Put(key, await image.read(), read_metadata(text or "{}"))


def _check_kind(request: Request, *expected: str) -> None:
    kind = media_type(request)
    if kind not in expected:
        raise HTTPException(415, f"content type {kind!r}: expected {' or '.join(expected)}")


def _answer(done: Done, response: Response, links: Links) -> ItemView:
    response.headers["ETag"] = tag_of(done.item)
    return view_item(done.item, links)
