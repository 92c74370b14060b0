"""Items, their pictures and thumbnails."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from api import urls as urls  # registers the convertor `key`, used in the paths below
from api.dependencies import Index, Work
from api.problems import declare
from api.schemas import ItemPage, ItemView, view_item
from indexer.errors import UnknownKeyError
from indexer.records import Item
from models.errors import PictureError, shorten
from models.images import MEDIA_TYPES, read_picture
from service.opening import Opened
from service.thumbnails import MEDIA_TYPE, thumbnail

# A picture may be replaced under its key, so caches must ask again; the digest answers quickly.
_CACHE = "private, max-age=0, must-revalidate"
_CACHED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client has it already"},
    **declare(404),
}

Headers = dict[str, str]

router = APIRouter(prefix="/v1", tags=["items"])


@router.get("/items", summary="List items", responses=declare(422))
def list_items(
    index: Index,
    after: Annotated[str | None, Query(description="Go on after this key.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ItemPage:
    """Return items in order of key, a page at a time."""
    items = index.store.items_after(after, limit + 1)
    more = items[limit - 1].key if len(items) > limit else None
    return ItemPage(items=[view_item(item) for item in items[:limit]], next=more)


@router.get("/items/{key:key}", summary="One item", responses=declare(404))
def get_item(key: str, index: Index) -> ItemView:
    """Return one item."""
    return view_item(_item(index, key))


@router.get(
    "/images/{key:key}",
    summary="The picture of an item",
    response_class=FileResponse,
    responses={200: {"content": {"image/*": {}}, "description": "The picture"}, **_CACHED},
)
def get_image(key: str, index: Index, request: Request) -> Response:
    """Return an item's picture, byte for byte as it was indexed."""

    def send(item: Item, path: Path, headers: Headers) -> Response:
        media_type = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
        return WholeFileResponse(path, media_type=media_type, headers=headers)

    return _unless_known(_item(index, key), request, send)


@router.get(
    "/thumbnails/{key:key}",
    summary="A small picture of an item",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "A WebP"}, **_CACHED},
)
async def get_thumbnail(key: str, index: Index, request: Request, work: Work) -> Response:
    """Return an item's picture as a small WebP, at most 320 pixels a side."""

    def send(item: Item, path: Path, headers: Headers) -> Response:
        return Response(_thumbnail(item, path, index), media_type=MEDIA_TYPE, headers=headers)

    return await work.run(lambda: _unless_known(_item(index, key), request, send))


class WholeFileResponse(FileResponse):
    """A file, always whole: pictures are small, and a wrong range is one more way to fail."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def _unless_known(
    item: Item, request: Request, send: Callable[[Item, Path, Headers], Response]
) -> Response:
    """Return what ``send`` makes of an item's picture, or a 304 if the client has it."""
    path, headers = _unchanged(item), _headers(item)
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return send(item, path, headers)


def _item(index: Opened, key: str) -> Item:
    item = index.store.item(key)
    if item is None:
        raise UnknownKeyError(f"no item has the key {shorten(key)!r}")
    return item


def _thumbnail(item: Item, path: Path, index: Opened) -> bytes:
    try:
        return thumbnail(read_picture(path, index.limits), index.limits)
    except PictureError as error:
        raise UnknownKeyError(f"the picture of {item.key!r} cannot be shown: {error}") from error


def _unchanged(item: Item) -> Path:
    """Return where an item's picture lies; raises UnknownKeyError if it is gone or another."""
    path = Path(item.source)
    try:
        with path.open("rb") as file:  # opened, since only that tells whether it can be
            found = os.fstat(file.fileno())
    except OSError as error:
        raise UnknownKeyError(
            f"the picture of {item.key!r} is no longer where it was indexed from"
        ) from error
    if (found.st_size, found.st_mtime_ns) != (item.size, item.mtime_ns):
        raise UnknownKeyError(
            f"the picture of {item.key!r} has changed since it was indexed: build the index again"
        )
    return path


def _headers(item: Item) -> Headers:
    return {
        "ETag": f'"{item.digest}"',
        "Cache-Control": _CACHE,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "none",
    }


def _has_it(request: Request, tag: str) -> bool:
    """Return whether the client says that it has what ``tag`` stands for (RFC 9110, 13.1.2)."""
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in known)
