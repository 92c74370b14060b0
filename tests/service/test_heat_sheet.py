"""Heat over its picture, and sheets of query and hit side by side."""

import io

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureError
from service.collage import draw_collage
from service.explaining import TermWhy, Why
from service.heat import OVERLAY, Ground, HeatMap, heat_map
from service.heat_sheet import Shown, draw_why, why_rows
from tests.bad_pictures import encode

BLUE = encode(Image.new("RGB", (90, 60), "#0000cc"), "PNG")


def left_half() -> HeatMap:
    values = np.zeros((14, 14))
    values[:, :7] = 0.01
    return heat_map([values], Ground(np.ones((224, 224), bool), (0, -0.25, 1, 1.25), (90, 60)))


def opened(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image).astype(int)


def test_a_picture_is_greyed_with_its_heat_over_it() -> None:
    found = opened(draw_why(BLUE, left_half().overlay))
    assert found.shape == (round(OVERLAY * 60 / 90), OVERLAY, 3)
    hot, cold = found[150, 100], found[150, 350]
    assert hot[0] > hot[2] + 80
    assert np.ptp(cold) == 0


def test_without_heat_a_picture_is_only_greyed() -> None:
    assert np.ptp(opened(draw_why(BLUE, None)), axis=2).max() == 0


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(PictureError):
        draw_why(b"nothing", None)


def why(**fields: object) -> Why:
    term = TermWhy(attribute="color", similarity=0.98, hit=left_half(), query=[])
    return Why(terms=[term.model_copy(update=fields)])


def test_a_term_is_a_row_of_its_examples_and_the_hit() -> None:
    pictures = [Shown(BLUE, "a.png"), Shown(BLUE, "b.png")]
    rows = why_rows(why(query=[left_half()] * 2), Shown(BLUE, "hit.png"), [pictures])
    assert len(rows) == 1
    assert [tile.title for tile in rows[0].query] == ["color asked 0.980"] * 2
    assert [tile.caption[:5] for tile in rows[0].query] == ["a.png", "b.png"]
    assert all(tile.framed for tile in rows[0].query)
    assert [tile.title for tile in rows[0].hits] == ["color 0.980"]
    assert rows[0].hits[0].caption == "hit.png, background 0.000"
    assert draw_collage(rows).width > 400


def test_a_palette_has_its_shares_below_it() -> None:
    rows = why_rows(why(swatches=[0.7, 0.28]), Shown(BLUE, "hit"), [[Shown(BLUE, "palette")]])
    tile = rows[0].query[0]
    assert (tile.picture, tile.caption) == (BLUE, "0.700 · 0.280")


def test_a_block_is_named_by_its_number() -> None:
    term = why(attribute=None, block=4)
    rows = why_rows(term, Shown(BLUE, "hit"), [[Shown(BLUE, "a.png")]])
    assert rows[0].hits[0].title == "block 4 0.980"
    assert (rows[0].query[0].picture, rows[0].query[0].caption) == (BLUE, "a.png")


def test_a_picture_that_is_gone_is_left_blank() -> None:
    rows = why_rows(why(query=[left_half()]), Shown(None, "hit"), [[Shown(None, "a.png")]])
    assert (rows[0].query[0].picture, rows[0].hits[0].picture) == (None, None)
