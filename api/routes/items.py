"""Items, their pictures and thumbnails."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import urls as urls  # registers the convertor `key`, used in the paths below
from api.dependencies import Index, Links, Reads, Work
from api.problems import declare
from api.schemas import ItemPage, ItemView, view_item
from indexer.errors import UnknownKeyError
from indexer.records import Item
from models.errors import PictureError, shorten
from models.images import MEDIA_TYPES
from service.conditions import tag_of
from service.opening import Opened
from service.pictures import read_indexed
from service.thumbnails import MEDIA_TYPE, Thumbnails, thumbnail

# A picture may be replaced under its key, so caches must ask again; the digest answers quickly.
_CACHE = "private, max-age=0, must-revalidate"
_CACHED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client has it already"},
    **declare(404),
}

Headers = dict[str, str]

router = APIRouter()


@router.get("/items", summary="List items", responses=declare(422))
async def list_items(
    index: Index,
    links: Links,
    read: Reads,
    after: Annotated[str | None, Query(description="Go on after this key.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ItemPage:
    """Return items in order of key, a page at a time."""
    items = await read.run(lambda: index.store.items_after(after, limit + 1))
    more = items[limit - 1].key if len(items) > limit else None
    return ItemPage(items=[view_item(item, links) for item in items[:limit]], next=more)


@router.get("/items/{key:key}", summary="One item", responses=declare(404))
async def get_item(
    key: str, index: Index, links: Links, read: Reads, response: Response
) -> ItemView:
    """Return one item. Its `ETag` is for `If-Match`, to change just what was seen."""
    item = await read.run(lambda: _item(index, key))
    response.headers["ETag"] = tag_of(item)
    return view_item(item, links)


@router.get(
    "/images/{key:key}",
    summary="The picture of an item",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "The picture"}, **_CACHED},
)
async def get_image(key: str, index: Index, request: Request, read: Reads) -> Response:
    """Return an item's picture, byte for byte as it was indexed."""

    def send(item: Item, headers: Headers) -> Response:
        suffix = Path(item.source).suffix.lower()
        media_type = MEDIA_TYPES.get(suffix, "application/octet-stream")
        return Response(_picture(item, index), media_type=media_type, headers=headers)

    return await read.run(lambda: _unless_known(_item(index, key), request, send))


@router.get(
    "/thumbnails/{key:key}",
    summary="A small picture of an item",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "A WebP"}, **_CACHED},
)
async def get_thumbnail(
    key: str, index: Index, request: Request, work: Work, read: Reads
) -> Response:
    """Return an item's picture as a small WebP, at most 320 pixels a side."""
    thumbnails: Thumbnails = request.app.state.thumbnails

    def kept() -> Response | None:
        item = _item(index, key)
        found = thumbnails.kept(item.digest)
        if found is None:
            return None

        def send(item: Item, headers: Headers) -> Response:
            _picture(item, index)  # what is no longer there is not shown
            return Response(found, media_type=MEDIA_TYPE, headers=headers)

        return _unless_known(item, request, send)

    def make(item: Item, headers: Headers) -> Response:
        made = thumbnails.keep(item.digest, _thumbnail(item, index))
        return Response(made, media_type=MEDIA_TYPE, headers=headers)

    found = await read.run(kept)
    if found is not None:
        return found
    return await work.run(lambda: _unless_known(_item(index, key), request, make))


def _unless_known(
    item: Item, request: Request, send: Callable[[Item, Headers], Response]
) -> Response:
    """Return what ``send`` makes of an item's picture, or a 304 if the client has it."""
    headers = _headers(item)
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return send(item, headers)


def _item(index: Opened, key: str) -> Item:
    item = index.store.item(key)
    if item is None:
        raise UnknownKeyError(f"no item has the key {shorten(key)!r}")
    return item


def _picture(item: Item, index: Opened) -> bytes:
    return read_indexed(item, index.store.locate(item), index.limits)


def _thumbnail(item: Item, index: Opened) -> bytes:
    data = _picture(item, index)
    try:
        return thumbnail(data, index.limits)
    except PictureError as error:
        raise UnknownKeyError(f"the picture of {item.key!r} cannot be shown: {error}") from error


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
