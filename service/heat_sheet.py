"""Heat maps drawn over their pictures, and side by side as a collage."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from models.images import DEFAULT_LIMITS, Limits, decode
from service.collage import Row, Tile
from service.explaining import TermWhy, Why
from service.heat import OVERLAY, HeatMap
from service.thumbnails import fit

# A picture under heat is greyed and lightened, or its own colors would be read as heat.
_PALER = 0.3


@dataclass(frozen=True)
class Shown:
    """A picture's bytes, None if they are gone, and what it is called."""

    picture: bytes | None
    name: str


def draw_why(picture: bytes, overlay: str | None, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return a PNG of ``picture`` in grey with a heat map's ``overlay`` (base64) over it.

    Its longer side has OVERLAY pixels. Raises PictureError if ``picture`` is no picture.
    """
    image = fit(decode(picture, limits, at_least=OVERLAY), OVERLAY)
    grey = image.convert("L").convert("RGB")
    drawn = Image.blend(grey, Image.new("RGB", grey.size, "white"), _PALER).convert("RGBA")
    if overlay is not None:
        heat = Image.open(io.BytesIO(base64.b64decode(overlay))).convert("RGBA")
        # A reduced decode may round a side differently.
        drawn = Image.alpha_composite(drawn, heat.resize(drawn.size))
    buffer = io.BytesIO()
    drawn.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def why_rows(
    why: Why, hit: Shown, asked: Sequence[Sequence[Shown]], limits: Limits = DEFAULT_LIMITS
) -> list[Row]:
    """Return a row of a collage for each term: its pictures, then the hit, each under its heat.

    ``asked`` holds the pictures of each term in order; for a palette, one picture of it.
    """
    return [
        Row(
            _asked(term, pictures, limits),
            [_tile(hit, term.hit, f"{_name(term)} {term.similarity:z.3f}", limits)],
        )
        for term, pictures in zip(why.terms, asked, strict=True)
    ]


def _asked(term: TermWhy, pictures: Sequence[Shown], limits: Limits) -> list[Tile]:
    if not term.query:
        shares = " · ".join(f"{share:z.3f}" for share in term.swatches or [])
        title = f"{_name(term)} asked"
        return [Tile(one.picture, title, shares or one.name, framed=True) for one in pictures]
    return [
        _tile(one, heat, f"{_name(term)} asked {heat.total:z.3f}", limits, framed=True)
        for one, heat in zip(pictures, term.query, strict=True)
    ]


def _name(term: TermWhy) -> str:
    return term.attribute or f"block {term.block}"


def _tile(shown: Shown, heat: HeatMap, title: str, limits: Limits, *, framed: bool = False) -> Tile:
    drawn = None if shown.picture is None else draw_why(shown.picture, heat.overlay, limits)
    return Tile(drawn, title, f"{shown.name}, background {heat.background:z.3f}", framed)
