"""With the packaged network, heat lies on the half of a picture that the query is like."""

import base64
import io
from functools import cache

import numpy as np
import pytest
from PIL import Image

from indexer.spaces import Space, simple_space
from models.extraction import PoolName
from models.loading import Loaded, Runtime, load_new
from models.preprocess import Preprocess, cut_square, to_square
from service.explaining import Explained, TermWhy, explain_term
from service.fabrics import COLORS, PATTERNS, render
from service.heat import HeatMap
from service.query import Subject

pytestmark = pytest.mark.e2e

Cloth = tuple[str, str]
PREPROCESS = Preprocess()
SIZE = (360, 300)
LEFT, RIGHT = (60, 50, 180, 250), (180, 50, 300, 250)


@cache
def loaded() -> Loaded:
    runtime = Runtime(device="cpu", precision="float32")
    return load_new("efficientnet_lite0", None, (1, 2, 3, 4, 5), PREPROCESS, runtime)


@cache
def space(pool: PoolName) -> Space:
    """What the preset `default` makes of a pool, centred on every third kind of cloth."""
    kinds = [
        (c, p) for i, c in enumerate(COLORS) for j, p in enumerate(PATTERNS) if (i + j) % 3 == 0
    ]
    squares = [to_square(render(*kind, index=7, size=160), PREPROCESS) for kind in kinds]
    raw = [loaded().extractor.extract(np.stack(squares[at::4]), [pool]) for at in range(4)]
    return simple_space(str(pool), (pool,), pool.block == 1, True, "cosine").fitted(lambda: raw)


def halves(left: Cloth, right: Cloth) -> Image.Image:
    """Two pieces of cloth side by side on a white sheet."""
    sheet = Image.new("RGB", SIZE, "white")
    sheet.paste(render(*left).resize((120, 200)), LEFT)
    sheet.paste(render(*right, index=1).resize((120, 200)), RIGHT)
    return sheet


def explain(pool: PoolName, hit: Image.Image, query: Image.Image) -> TermWhy:
    pictures = [Explained(cut_square(one, PREPROCESS), one.size) for one in (hit, query)]
    return explain_term(
        Subject(block=pool.block),
        space(pool),
        pictures[0],
        pictures[1:],
        loaded().extractor,
        PREPROCESS.white,
    )


def warm(heat: HeatMap) -> np.ndarray:
    """(h, w) opacity where the overlay is warm."""
    assert heat.overlay is not None
    image = Image.open(io.BytesIO(base64.b64decode(heat.overlay))).convert("RGBA")
    pixels = np.asarray(image).astype(int)
    return np.where(pixels[..., 0] > pixels[..., 2], pixels[..., 3], 0)


def shares(heat: HeatMap) -> tuple[float, float, float]:
    """How much of the overlay's warmth lies left, right, and on the white border."""
    found = warm(heat)
    y, x = (np.arange(side) + 0.5 for side in found.shape)
    x, y = x / found.shape[1] * SIZE[0], y / found.shape[0] * SIZE[1]

    def within(box: tuple[int, int, int, int]) -> float:
        rows, columns = (y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2])
        return float(found[np.ix_(rows, columns)].sum() / found.sum())

    left, right = within(LEFT), within(RIGHT)
    return left, right, 1 - left - right


@pytest.mark.parametrize("pool", [PoolName(1, "foreground"), PoolName(1, "gap")], ids=str)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("red", "plain"), ("blue", "plain")),
        (("green", "dots"), ("purple", "dots")),
        (("yellow", "waves"), ("black", "waves")),
    ],
)
def test_a_color_is_found_on_its_half(pool: PoolName, one: Cloth, other: Cloth) -> None:
    for asked in (one, other):
        why = explain(pool, halves(one, other), render(*asked, index=3))
        left, right, border = shares(why.hit)
        assert (left if asked == one else right) >= 0.8
        assert border <= 0.02
        assert why.hit.total == pytest.approx(why.similarity, abs=1e-5)


@pytest.mark.parametrize("block", [4, 5])
@pytest.mark.parametrize("asked", ["dots", "herringbone"])
def test_a_texture_is_found_on_its_half_in_whatever_color(block: int, asked: str) -> None:
    picture = halves(("blue", "dots"), ("blue", "herringbone"))
    why = explain(PoolName(block, "gap"), picture, render("orange", asked, index=3))
    left, right, border = shares(why.hit)
    assert (left if asked == "dots" else right) >= 0.8
    assert border <= 0.02
    assert why.hit.total == pytest.approx(why.similarity, abs=1e-5)


def test_the_queries_own_heat_lies_on_what_the_hit_is_like() -> None:
    why = explain(
        PoolName(1, "foreground"),
        render("red", "plain", index=3),
        halves(("blue", "plain"), ("red", "plain")),
    )
    _, right, border = shares(why.query[0])
    assert right >= 0.8
    assert border <= 0.02
    assert why.query[0].total == pytest.approx(why.similarity, abs=1e-5)
