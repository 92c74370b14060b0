"""Items, their pictures and thumbnails."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from api.dependencies import Index
from api.problems import Problem
from api.schemas import ItemPage, ItemView, view_item
from indexer.catalog import Item
from indexer.errors import UnknownKeyError
from models.errors import PictureError
from models.images import read_picture
from service.opening import Opened
from service.thumbnails import MEDIA_TYPE, thumbnail

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such item, or its picture is gone"}
}
PNG, WEBP = "image/png", "image/webp"
_MEDIA_TYPES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".jfif": "image/jpeg",
    ".png": PNG, ".webp": WEBP, ".gif": "image/gif", ".avif": "image/avif",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".bmp": "image/bmp",
}  # fmt: skip
# A picture may be replaced under its key, so caches must ask again; the digest answers quickly.
_CACHE = "private, max-age=0, must-revalidate"

router = APIRouter(prefix="/v1", tags=["items"])


@router.get("/items", summary="List items")
def list_items(
    index: Index,
    after: Annotated[str | None, Query(description="Go on after this key.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ItemPage:
    """Return items in order of key, a page at a time."""
    items = index.store.items_after(after, limit + 1)
    more = items[limit - 1].key if len(items) > limit else None
    return ItemPage(items=[view_item(item) for item in items[:limit]], next=more)


@router.get("/items/{key:path}", summary="One item", responses=NOT_FOUND)
def get_item(key: str, index: Index) -> ItemView:
    """Return one item."""
    return view_item(_item(index, key))


@router.get(
    "/images/{key:path}",
    summary="The picture of an item",
    response_class=FileResponse,
    responses={200: {"content": {"image/*": {}}, "description": "The picture"}, **NOT_FOUND},
)
def get_image(key: str, index: Index, request: Request) -> Response:
    """Return an item's picture as it was indexed."""
    item = _item(index, key)
    path = Path(item.source)
    if not path.is_file():
        raise _gone(key)
    headers = _headers(item)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    media_type = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=media_type, headers=headers)


@router.get(
    "/thumbnails/{key:path}",
    summary="A small picture of an item",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "A small WebP"}, **NOT_FOUND},
)
def get_thumbnail(key: str, index: Index, request: Request) -> Response:
    """Return an item's picture as a small WebP, at most 320 pixels a side."""
    item = _item(index, key)
    headers = _headers(item)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        data = read_picture(Path(item.source), index.limits)
        return Response(thumbnail(data, index.limits), media_type=MEDIA_TYPE, headers=headers)
    except PictureError as error:
        raise _gone(key) from error


def _item(index: Opened, key: str) -> Item:
    item = index.store.item(key)
    if item is None:
        raise UnknownKeyError(f"no item has the key {key!r}")
    return item


def _gone(key: str) -> UnknownKeyError:
    return UnknownKeyError(f"the picture of {key!r} is no longer where it was indexed from")


def _headers(item: Item) -> dict[str, str]:
    return {
        "ETag": f'"{item.digest}"',
        "Cache-Control": _CACHE,
        "X-Content-Type-Options": "nosniff",
    }
