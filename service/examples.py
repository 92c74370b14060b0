"""Example pictures: from where a query says they are to the squares that the network sees."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, floor

import numpy as np
from PIL import Image

from indexer.records import Item
from indexer.store import CatalogStore
from models.errors import PictureError, shorten
from models.images import Limits, decode, read_picture
from models.preprocess import Cutout, Mask, Preprocess, Square, cut_square
from service.errors import QueryError
from service.fetching import Fetch, fetch_nothing, host_of
from service.query import ImageExample, ImageSource, Region

MAX_ADDRESSES = 8
"""Pictures by address in one query."""


@dataclass(frozen=True)
class Example:
    """An example made ready: an item whose stored pools will do, or a square.

    ``size`` is the width and height of the upright picture that the square is cut from.
    """

    item: Item | None = None
    square: Square | None = None
    size: tuple[int, int] = (0, 0)


class Examples:
    """Loads the examples of one query; each is decoded once, however many terms name it."""

    def __init__(
        self,
        store: CatalogStore,
        limits: Limits,
        parts: Mapping[str, bytes],
        fetch: Fetch = fetch_nothing,
    ) -> None:
        self._store, self._limits, self._parts, self._fetch = store, limits, parts, fetch
        self._loaded: dict[str, Example] = {}
        self._fetched: dict[str, bytes] = {}

    @property
    def white(self) -> int:
        """What counts as near-white in pictures of this index."""
        return self._store.manifest.recipe.preprocess.white

    def load(self, image: ImageExample, where: str) -> Example:
        """Return an example; ``where`` is its place in the query, for errors.

        Raises QueryError for a key, part, region or mask that does not fit, PictureError for
        bytes that are no picture.
        """
        name = image.model_dump_json()
        if name not in self._loaded:
            self._loaded[name] = self._load(image, where)
        return self._loaded[name]

    def digest(self, image: ImageExample, where: str) -> str:
        """Return the SHA-256 of an example picture, or of it with what counts of it if that is a
        part. Raises what `load` does."""
        found = sha256(self._bytes(image, where)[0]).hexdigest()
        if not image.is_edited:
            return found
        mask = self._bytes(image.mask, f"{where}.mask")[0] if image.mask else b""
        region = image.region.model_dump_json() if image.region else None
        edits = [found, region, sha256(mask).hexdigest(), image.background]
        return sha256(json.dumps(edits).encode()).hexdigest()

    def picture_of(self, item: Item) -> Example:
        """Return the square of an item's picture; raises PictureError if it is gone."""
        return self._cut(read_picture(self._store.locate(item), self._limits), None, "")

    def _load(self, image: ImageExample, where: str) -> Example:
        if image.is_whole_item:
            return Example(item=self._item(image, where))
        data, named = self._bytes(image, where)
        return self._cut(data, image, where, f"{where}, {named}: ")

    def _cut(self, data: bytes, image: ImageExample | None, where: str, named: str = "") -> Example:
        preprocess = self._store.manifest.recipe.preprocess
        if image is None or not (image.region or image.mask):
            picture = self._decoded(data, named, preprocess.decode_at_least)
            nothing_white = image is not None and image.background == "none"
            return _example(picture, preprocess, Cutout(background=nothing_white))
        # Boxes and masks are meant for the whole picture, so it is decoded at full scale.
        picture = self._decoded(data, named)
        box = _box(image.region, picture.size, f"{where}.region") if image.region else None
        mask = None
        if image.mask:
            mask = self._mask(image.mask, picture.size, box, f"{where}.mask")
        return _example(picture, preprocess, Cutout(box, mask, image.background == "none"))

    def _mask(
        self,
        source: ImageSource,
        size: tuple[int, int],
        box: tuple[int, int, int, int] | None,
        where: str,
    ) -> Mask:
        data, named = self._bytes(source, where)
        picture = self._decoded(data, f"{where}, {named}: ")
        if picture.size != size:
            raise QueryError(
                f"{where}, {named}, is {picture.width} x {picture.height} pixels: expected the "
                f"size of its picture, {size[0]} x {size[1]}"
            )
        mask: Mask = np.asarray(picture.convert("L")) >= 128
        seen = mask if box is None else mask[box[1] : box[3], box[0] : box[2]]
        if not seen.any():
            raise QueryError(f"{where}, {named}, is black where it would count: nothing is left")
        return mask

    def _decoded(self, data: bytes, named: str, at_least: int | None = None) -> Image.Image:
        try:
            return decode(data, self._limits, at_least)
        except PictureError as error:
            raise type(error)(f"{named}{error}") from error

    def _bytes(self, source: ImageSource, where: str) -> tuple[bytes, str]:
        """Return a picture's bytes and how the query names it."""
        if source.url is not None:
            return self._at(source.url, f"{where}.url"), f"url at {shorten(host_of(source.url))!r}"
        if source.base64 is not None:
            try:
                return base64.b64decode(source.base64, validate=True), "base64"
            except (binascii.Error, ValueError) as error:
                raise PictureError(f"{where}, base64: it is not base64: {error}") from error
        if source.part is not None:
            if source.part not in self._parts:
                sent = ", ".join(map(repr, self._parts)) or "none"
                raise QueryError(
                    f"{where}.part: no part {shorten(source.part)!r} was sent; sent were {sent}"
                )
            return self._parts[source.part], f"part {shorten(source.part)!r}"
        item = self._item(source, where)
        named = f"key {shorten(item.key)!r}"
        try:
            return read_picture(self._store.locate(item), self._limits), named
        except PictureError as error:
            raise PictureError(f"{where}, {named}: its picture cannot be read") from error

    def _at(self, url: str, where: str) -> bytes:
        """Return what is at an address, which is asked once a query."""
        if url not in self._fetched:
            if len(self._fetched) == MAX_ADDRESSES:
                raise QueryError(f"{where}: a query has at most {MAX_ADDRESSES} addresses")
            try:
                self._fetched[url] = self._fetch(url)
            except PictureError as error:
                raise type(error)(f"{where}: {error}") from error
        return self._fetched[url]

    def _item(self, source: ImageSource, where: str) -> Item:
        item = self._store.item(source.key or "")
        if item is None:
            raise QueryError(f"{where}.key: no item has the key {shorten(source.key or '')!r}")
        return item


def _example(picture: Image.Image, preprocess: Preprocess, cutout: Cutout) -> Example:
    return Example(square=cut_square(picture, preprocess, cutout), size=picture.size)


def _box(region: Region, size: tuple[int, int], where: str) -> tuple[int, int, int, int]:
    """Return a region in whole pixels; raises QueryError unless it lies inside ``size``."""
    left, top, right, bottom = region.box
    width, height = (1.0, 1.0) if region.unit == "fraction" else map(float, size)
    shown = f"{where}.box is [{left:g}, {top:g}, {right:g}, {bottom:g}]"
    if not (left < right and top < bottom):
        raise QueryError(f"{shown}: expected left < right and top < bottom")
    if left < 0 or top < 0 or right > width or bottom > height:
        inside = (
            "fractions of 0 to 1"
            if region.unit == "fraction"
            else f"pixels inside the picture of {size[0]} x {size[1]}"
        )
        raise QueryError(f"{shown}: expected {inside}")
    across, down = size[0] / width, size[1] / height
    # What misses the edge between two pixels by rounding only, such as 0.07 of 100, lies on it.
    edges = [round(at * by, 6) for at, by in zip(region.box, (across, down) * 2, strict=True)]
    # Outwards to whole pixels, so that no box is empty.
    x, y = min(floor(edges[0]), size[0] - 1), min(floor(edges[1]), size[1] - 1)
    return (x, y, max(x + 1, ceil(edges[2])), max(y + 1, ceil(edges[3])))
