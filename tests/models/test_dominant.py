"""Dominant colors of rendered pictures whose colors are known."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.colors import parse_color, to_lab
from models.dominant import Dominant, dominant_colors
from models.preprocess import Pixels

WHITE = 245


def stripes(*parts: tuple[str, int], height: int = 100) -> Pixels:
    """Return upright stripes of colors, each so many pixels wide."""
    row = np.concatenate([np.tile(parse_color(color), (width, 1)) for color, width in parts])
    return np.tile(row.astype(np.uint8), (height, 1, 1))


def cloth(color: str, seed: int, size: int = 128) -> Pixels:
    """Return cloth of one color: soft shading, and noise a pixel."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    light = 1 + 0.12 * np.sin(7 * x + 3 * y + random.uniform(0, 6))
    noisy = np.array(parse_color(color)) * light[..., None] + random.normal(0, 4, (size, size, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def random_pixels(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def gap(one: Dominant, color: str) -> float:
    return float(np.linalg.norm(to_lab(parse_color(one.hex)) - to_lab(parse_color(color))))


def test_a_flat_color_is_found_to_the_last_bit() -> None:
    for color in ("#7a1f2b", "#000000", "#0a7e3c", "#f4f4f4"):
        (found,) = dominant_colors(stripes((color, 50)), None, WHITE)
        assert (found.weight, found.hex) == (1.0, color)
    assert dominant_colors(stripes(("#7a1f2b", 50)), None, WHITE)[0].name == "red"


def test_areas_are_weighed_by_size_the_largest_first() -> None:
    pixels = stripes(("#204080", 30), ("#d0a020", 60), ("#b02040", 10))
    found = dominant_colors(pixels, None, WHITE)
    assert found == (
        Dominant(0.6, "#d0a020", "yellow"),
        Dominant(0.3, "#204080", "blue"),
        Dominant(0.1, "#b02040", "red"),
    )


def test_near_white_background_does_not_count() -> None:
    pixels = stripes(("#fafafa", 60), ("#204080", 40), ("#ffffff", 60))
    assert [one.hex for one in dominant_colors(pixels, None, WHITE)] == ["#204080"]
    assert len(dominant_colors(pixels, None, 255)) == 2


def test_blends_along_the_edge_of_the_foreground_do_not_count() -> None:
    pixels = stripes(
        ("#ffffff", 40), ("#c09fbf", 1), ("#804080", 12), ("#c09fbf", 1), ("#ffffff", 40)
    )
    assert [one.hex for one in dominant_colors(pixels, None, WHITE)] == ["#804080"]


def test_lines_too_thin_to_have_an_inside_are_found_all_the_same() -> None:
    pixels = stripes(*[("#ffffff", 9), ("#804080", 1)] * 5)
    assert [one.hex for one in dominant_colors(pixels, None, WHITE)] == ["#804080"]


def test_content_decides_what_counts_in_place_of_white() -> None:
    pixels = stripes(("#ffffff", 50), ("#204080", 50))
    content = np.zeros(pixels.shape[:2], bool)
    content[:, :50] = True
    assert [one.name for one in dominant_colors(pixels, content, WHITE)] == ["white"]


def test_a_picture_without_foreground_is_looked_at_as_a_whole() -> None:
    pixels = stripes(("#ffffff", 50))
    assert dominant_colors(pixels, None, WHITE) == (Dominant(1.0, "#ffffff", "white"),)
    nothing = np.zeros(pixels.shape[:2], bool)
    assert dominant_colors(pixels, nothing, WHITE) == (Dominant(1.0, "#ffffff", "white"),)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
def test_the_smallest_pictures_have_colors_too(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 40, np.uint8)
    assert dominant_colors(pixels, None, WHITE) == (Dominant(1.0, "#282828", "black"),)


def test_shades_that_cannot_be_told_apart_are_one_color() -> None:
    found = dominant_colors(stripes(("#204080", 50), ("#244484", 50)), None, WHITE)
    assert [(one.weight, one.hex) for one in found] == [(1.0, "#224282")]


@pytest.mark.parametrize("color", ["#7a1f2b", "#2f6f4f", "#d8b060", "#8090a0"])
def test_folds_and_noise_leave_cloth_one_color(color: str) -> None:
    found = dominant_colors(cloth(color, seed=1), None, WHITE)
    assert found[0].weight > 0.9
    assert gap(found[0], color) < 0.02


def test_two_cloths_are_two_colors_in_their_shares() -> None:
    pixels = np.concatenate([cloth("#203a70", 1)[:90], cloth("#c8a050", 2)[:38]])
    found = dominant_colors(pixels, None, WHITE)
    assert gap(found[0], "#203a70") < 0.03
    assert gap(found[1], "#c8a050") < 0.03
    assert found[0].weight == pytest.approx(90 / 128, abs=0.03)


def test_colors_below_three_percent_are_left_out_and_the_others_make_up_the_whole() -> None:
    found = dominant_colors(stripes(("#204080", 118), ("#d0a020", 80), ("#b02040", 2)), None, WHITE)
    assert [one.hex for one in found] == ["#204080", "#d0a020"]
    assert sum(one.weight for one in found) == 1.0


@pytest.mark.parametrize("most", [1, 2, 5, 8])
def test_no_more_colors_are_returned_than_asked_for(most: int) -> None:
    colors = [
        "#000000",
        "#ff0000",
        "#00ff00",
        "#0000ff",
        "#ffff00",
        "#ff00ff",
        "#00ffff",
        "#808080",
    ]
    found = dominant_colors(stripes(*[(color, 12) for color in colors]), None, WHITE, most)
    assert len(found) == most
    assert len({one.hex for one in found}) == most


@pytest.mark.parametrize("seed", range(20))
def test_weights_fall_and_sum_to_one_whatever_the_pixels(seed: int) -> None:
    found = dominant_colors(random_pixels(seed), None, WHITE)
    weights = [one.weight for one in found]
    assert sum(weights) == pytest.approx(1.0, abs=1e-12)
    assert weights == sorted(weights, reverse=True)
    assert all(weight > 0 for weight in weights)


def test_the_mean_of_all_pixels_is_kept_where_every_cluster_is() -> None:
    pixels = stripes(("#204080", 37), ("#d0a020", 41), ("#b02040", 22))
    found = dominant_colors(pixels, None, WHITE)
    mean = sum(one.weight * np.array(parse_color(one.hex)) for one in found)
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1)), atol=0.6)


def test_threads_find_what_one_thread_finds() -> None:
    pictures = [random_pixels(seed) for seed in range(16)]
    alone = [dominant_colors(pixels, None, WHITE) for pixels in pictures]
    with ThreadPoolExecutor(8) as threads:
        together = threads.map(lambda pixels: dominant_colors(pixels, None, WHITE), pictures * 4)
    assert list(together) == alone * 4


def test_pixels_are_left_as_they_were() -> None:
    pixels = stripes(("#204080", 50), ("#ffffff", 50))
    content = np.ones(pixels.shape[:2], bool)
    before = pixels.copy()
    pixels.setflags(write=False)
    dominant_colors(pixels, content, WHITE)
    np.testing.assert_array_equal(pixels, before)
    assert content.all()
