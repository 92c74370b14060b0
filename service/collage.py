"""Collages: the query first, then the hits in rank order with their scores, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from models.errors import HueweaveError, PictureError
from models.images import DEFAULT_LIMITS, Limits, decode
from service.thumbnails import fit

TILE, GAP, CAPTION = 200, 12, 44
COLUMNS = 6
ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
MAX_TILES = 1000
_INK, _MUTED, _PAPER, _FRAME, _EMPTY = "#1b1b1b", "#6b6b6b", "#ffffff", "#c2185b", "#eeeeee"


class CollageError(HueweaveError):
    """A collage that cannot be drawn or written."""


@dataclass(frozen=True)
class Tile:
    """A picture's bytes and two lines of caption; ``picture`` None draws a blank."""

    picture: bytes | None
    title: str
    caption: str
    framed: bool = False


@dataclass(frozen=True)
class Row:
    """The pictures of one query and its hits."""

    query: Sequence[Tile]
    hits: Sequence[Tile]


def draw_collage(rows: Sequence[Row], limits: Limits = DEFAULT_LIMITS) -> Image.Image:
    """Return a picture of ``rows``, each beginning on a line of its own with the query framed.

    Raises CollageError for more than MAX_TILES pictures in all.
    """
    tiles = sum(len(row.query) + len(row.hits) for row in rows)
    if tiles > MAX_TILES:
        raise CollageError(
            f"a collage of {tiles:,} pictures is too large: at most {MAX_TILES:,}; ask for fewer "
            "hits, or name a folder, which gets one collage a query"
        )
    widest = max(len(row.hits) for row in rows)
    columns = min(COLUMNS - 1, max(widest, 1))  # of hits: the first column is the query's alone
    lines = [max(1, len(row.query), -(-len(row.hits) // columns)) for row in rows]
    width = GAP + (1 + columns if widest else 1) * (TILE + GAP)
    height = GAP + sum(lines) * (TILE + CAPTION + GAP)
    canvas = Image.new("RGB", (width, height), _PAPER)
    top = GAP
    for row, count in zip(rows, lines, strict=True):
        for at, tile in enumerate(row.query):
            _draw_tile(canvas, tile, GAP, top + at * (TILE + CAPTION + GAP), limits)
        for at, tile in enumerate(row.hits):
            x = GAP + (1 + at % columns) * (TILE + GAP)
            y = top + at // columns * (TILE + CAPTION + GAP)
            _draw_tile(canvas, tile, x, y, limits)
        top += count * (TILE + CAPTION + GAP)
    return canvas


def write_collage(path: Path, rows: Sequence[Row], limits: Limits = DEFAULT_LIMITS) -> None:
    """Draw ``rows`` into a picture file whose format its ending names; raises CollageError."""
    check_ending(path)
    picture = draw_collage(rows, limits)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except OSError as error:
        raise CollageError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    except ValueError as error:  # a side past what the format can have
        raise CollageError(f"cannot write {str(path)!r}: {error}; a .png can be larger") from error


def check_ending(path: Path) -> None:
    """Raise CollageError unless the ending of ``path`` is one that collages are written in."""
    if path.suffix.lower() not in ENDINGS:
        raise CollageError(
            f"cannot write a collage to {str(path)!r}: expected {', '.join(ENDINGS)}"
        )


def _draw_tile(canvas: Image.Image, tile: Tile, x: int, y: int, limits: Limits) -> None:
    draw = ImageDraw.Draw(canvas)
    picture = _thumbnail(tile.picture, limits)
    if picture is None:
        draw.rectangle((x, y, x + TILE - 1, y + TILE - 1), fill=_EMPTY)
        draw.text((x + TILE // 2, y + TILE // 2), "picture is gone", _MUTED, _font(15), "mm")
    else:
        canvas.paste(picture, (x + (TILE - picture.width) // 2, y + (TILE - picture.height) // 2))
    if tile.framed:
        draw.rectangle((x - 4, y - 4, x + TILE + 3, y + TILE + 3), outline=_FRAME, width=4)
    draw.text((x, y + TILE + 6), tile.title, _INK, _font(17))
    draw.text((x, y + TILE + 27), _fit(tile.caption, TILE), _MUTED, _font(13))


def _thumbnail(data: bytes | None, limits: Limits) -> Image.Image | None:
    if data is None:
        return None
    try:
        image = decode(data, limits, at_least=TILE)
    except PictureError:
        return None
    return fit(image, TILE)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fit(text: str, width: int) -> str:
    """Shorten ``text`` from the left, where file names say least, until it fits."""
    font = _font(13)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("…" + text) > width:
        text = text[1:]
    return "…" + text
