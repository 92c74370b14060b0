"""Heat maps: numbers that add up, and overlays that lie where the heat is."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from models.preprocess import Cutout, Preprocess, cut_square
from service.heat import GRID, OVERLAY, Ground, HeatMap, heat_map

EVERYWHERE = Ground(np.ones((224, 224), bool), (0.0, 0.0, 1.0, 1.0), (224, 224))
RANDOM = np.random.default_rng(3)


def pixels(heat: HeatMap) -> np.ndarray:
    assert heat.overlay is not None
    image = Image.open(io.BytesIO(base64.b64decode(heat.overlay)))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGBA")).astype(int)


def warmth(heat: HeatMap) -> np.ndarray:
    """(h, w) opacity where an overlay is warm."""
    found = pixels(heat)
    return np.where(found[..., 0] > found[..., 2], found[..., 3], 0)


def spot(side: int, row: int, column: int) -> np.ndarray:
    values = np.zeros((side, side))
    values[row, column] = 1.0
    return values


@pytest.mark.parametrize("side", [4, 7, 14, 28, 55, 56, 112])
def test_the_grid_has_at_most_28_rows_and_the_sum_of_the_map(side: int) -> None:
    values = RANDOM.standard_normal((side, side)) / side**2
    found = heat_map([values], EVERYWHERE)
    assert found.rows == found.columns == min(side, GRID)
    assert np.shape(found.grid) == (found.rows, found.columns)
    assert np.sum(found.grid) == pytest.approx(values.sum(), abs=1e-5)
    assert found.background == 0
    assert found.total == pytest.approx(values.sum(), abs=1e-5)


def test_a_map_of_112_is_summed_four_by_four() -> None:
    values = RANDOM.standard_normal((112, 112))
    blocks = values.reshape(28, 4, 28, 4).sum(axis=(1, 3))
    np.testing.assert_allclose(heat_map([values], EVERYWHERE).grid, blocks, atol=1e-6)


def test_maps_of_several_pools_are_added_on_the_finer_grid() -> None:
    fine, coarse = RANDOM.standard_normal((56, 56)), RANDOM.standard_normal((14, 14))
    found = heat_map([fine, coarse], EVERYWHERE)
    expected = fine.reshape(28, 2, 28, 2).sum(axis=(1, 3)) + np.kron(coarse, np.ones((2, 2))) / 4
    np.testing.assert_allclose(found.grid, expected, atol=1e-6)


def test_places_without_content_are_background() -> None:
    content = np.zeros((224, 224), bool)
    content[:, :112] = True
    values = RANDOM.standard_normal((14, 14))
    found = heat_map([values], Ground(content, EVERYWHERE.extent, EVERYWHERE.size))
    np.testing.assert_allclose(np.array(found.grid)[:, :7], values[:, :7], atol=1e-6)
    assert not np.any(np.array(found.grid)[:, 7:])
    assert found.background == pytest.approx(values[:, 7:].sum(), abs=1e-6)
    assert found.total == pytest.approx(values.sum(), abs=1e-5)


def test_a_picture_without_content_is_all_background_and_draws_nothing() -> None:
    nothing = Ground(np.zeros((224, 224), bool), EVERYWHERE.extent, EVERYWHERE.size)
    found = heat_map([np.ones((14, 14))], nothing)
    assert (np.sum(found.grid), found.background, found.overlay) == (0, 196, None)


def test_specks_alone_draw_nothing() -> None:
    content = np.zeros((224, 224), bool)
    content[::16, ::16] = True
    content[:4, :4] = True
    ground = Ground(content & (np.indices((224, 224)).sum(0) % 3 == 0), (0, 0, 1, 1), (224, 224))
    assert heat_map([np.ones((112, 112))], ground).overlay is None


def test_no_contribution_draws_nothing() -> None:
    assert heat_map([np.zeros((14, 14))], EVERYWHERE).overlay is None


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (1000, 3), (3000, 2000)])
def test_the_overlay_has_the_shape_of_the_whole_picture(size: tuple[int, int]) -> None:
    found = pixels(heat_map([np.ones((14, 14))], Ground(EVERYWHERE.content, (0, 0, 1, 1), size)))
    expected = [max(1, round(side * OVERLAY / max(size))) for side in reversed(size)]
    assert list(found.shape[:2]) == expected


def centre(weights: np.ndarray) -> tuple[float, float]:
    """The mean place of ``weights``, x and y in fractions of the picture."""
    y, x = (np.arange(side) + 0.5 for side in weights.shape)
    total = weights.sum()
    return (
        float((weights.sum(0) * x).sum() / total / weights.shape[1]),
        float((weights.sum(1) * y).sum() / total / weights.shape[0]),
    )


@pytest.mark.parametrize("side", [7, 14, 28, 112])
@pytest.mark.parametrize("size", [(400, 200), (200, 400), (300, 300)])
@pytest.mark.parametrize("box", [(0.3, 0.3, 0.4, 0.4), (0.5, 0.35, 0.6, 0.45)])
def test_heat_lies_over_what_the_place_sees(
    side: int, size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    """A dark thing in a border of white: the square is cropped, padded and scaled."""
    image = Image.new("RGB", size, "white")
    edges = [int(v * s) for v, s in zip((0.15, 0.2, 0.85, 0.7), size * 2, strict=True)]
    image.paste((60, 60, 60), tuple(edges))
    thing = [round(v * s) for v, s in zip(box, size * 2, strict=True)]
    image.paste((200, 0, 0), tuple(thing))
    square = cut_square(image, Preprocess())
    red = (square.pixels[..., 0] > 130) & (square.pixels[..., 1] < 50)
    values = red.reshape(side, 224 // side, side, 224 // side).mean(axis=(1, 3))
    content = square.pixels.min(axis=2) < 245
    heat = warmth(heat_map([values], Ground(content, square.extent, size)))
    x, y = centre(heat)
    assert x == pytest.approx((thing[0] + thing[2]) / 2 / size[0], abs=0.4 / side)
    assert y == pytest.approx((thing[1] + thing[3]) / 2 / size[1], abs=0.4 / side)


def test_nothing_is_drawn_outside_of_content() -> None:
    y, x = np.mgrid[0:224, 0:224]
    disc = (x - 112) ** 2 + (y - 112) ** 2 < 80**2
    heat = warmth(heat_map([np.ones((14, 14))], Ground(disc, (0, 0, 1, 1), (448, 448))))
    inside = np.kron(disc, np.ones((2, 2))) > 0
    assert (heat[inside] > 0).mean() > 0.97
    assert heat[~inside].sum() <= 0.02 * heat.sum()


def test_specks_of_compression_around_a_thing_stay_clear() -> None:
    content = np.zeros((224, 224), bool)
    content[60:160, 60:160] = True
    specks = RANDOM.random((224, 224)) < 0.03
    ground = Ground(content | specks, (0, 0, 1, 1), (224, 224))
    heat = warmth(heat_map([np.ones((112, 112))], ground))
    thing = np.kron(content, np.ones((2, 2))) > 0
    assert heat[~thing].sum() <= 0.02 * heat.sum()


def test_likeness_is_warm_and_clear_unlikeness_cool() -> None:
    values = np.ones((14, 14))
    values[:, 7:] = -1
    found = pixels(heat_map([values], EVERYWHERE))
    warm, cool = found[224, 100], found[224, 348]
    assert warm[0] > warm[2] + 100
    assert warm[3] > 150
    assert cool[2] > cool[0] + 100
    assert 0 < cool[3] < warm[3]


def test_what_is_barely_unlike_stays_clear() -> None:
    values = np.ones((14, 14))
    values[:, 7:] = -0.1
    assert pixels(heat_map([values], EVERYWHERE))[:, 260:, 3].max() == 0


def test_one_hot_place_does_not_pale_all_others() -> None:
    values = np.ones((28, 28))
    values[3, 3] = 1000
    assert np.median(warmth(heat_map([values], EVERYWHERE))) > 150


def test_the_overlay_can_be_drawn_from_other_values_than_the_grid() -> None:
    found = heat_map([spot(14, 2, 2)], EVERYWHERE, [spot(14, 11, 11)])
    assert found.grid[2][2] == 1
    x, y = centre(warmth(found))
    assert min(x, y) > 0.7


def test_the_extent_reaches_outside_where_the_square_is_padded() -> None:
    square = cut_square(Image.new("RGB", (100, 50), "red"), Preprocess(), Cutout())
    found = heat_map(
        [np.ones((14, 14))], Ground(square.pixels[..., 1] < 9, square.extent, (100, 50))
    )
    assert found.extent == pytest.approx((0, -0.5, 1, 1.5))
    assert not np.any(found.grid[:3])
