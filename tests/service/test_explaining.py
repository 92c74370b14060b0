"""Why a hit was found, on the fake network: the numbers add up on both sides."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from indexer.attribution import mixture
from indexer.spaces import Metric, Space, similarities, simple_space
from models.extraction import PoolName
from models.preprocess import Cutout, cut_square, near_content
from service.explaining import (
    Explained,
    TermWhy,
    Why,
    explain_examples,
    explain_palette,
    explain_term,
    explain_vector,
    look,
)
from service.query import Subject
from tests.fakes import SMALL, FakeExtractor

COLOR = Subject(attribute="color")
FOREGROUND, GAP = PoolName(1, "foreground"), PoolName(4, "gap")
WHITE = SMALL.white


def image(seed: int) -> Image.Image:
    """Two tones in a border of white."""
    values = np.random.default_rng(seed).integers(0, 200, (2, 3)).tolist()
    picture = Image.new("RGB", (40, 28), "white")
    picture.paste(tuple(values[0]), (4, 4, 20, 24))
    picture.paste(tuple(values[1]), (20, 4, 36, 24))
    return picture


def explained(seed: int, cutout: Cutout | None = None) -> Explained:
    picture = image(seed)
    return Explained(cut_square(picture, SMALL, cutout or Cutout()), picture.size)


@pytest.fixture(params=["cosine", "l2"])
def metric(request: pytest.FixtureRequest) -> Metric:
    found: Metric = request.param
    return found


@pytest.fixture(params=[(FOREGROUND,), (GAP,), (FOREGROUND, GAP)], ids=str)
def space(request: pytest.FixtureRequest, metric: Metric) -> Space:
    pixels = np.stack([explained(seed).square.pixels for seed in range(100, 120)])
    raw = FakeExtractor().extract(pixels, request.param)
    return simple_space("any", request.param, True, True, metric).fitted(lambda: [raw])


def vectors(space: Space, *seeds: int) -> np.ndarray:
    pixels = np.stack([explained(seed).square.pixels for seed in seeds])
    content = near_content(pixels, WHITE)
    return space.transform(FakeExtractor().extract(pixels, space.pools, content))


def totals(why: TermWhy) -> tuple[float, float]:
    return why.hit.total, sum(heat.total for heat in why.query)


def test_both_sides_sum_to_the_similarity(space: Space) -> None:
    why = explain_term(COLOR, space, explained(1), [explained(2)], FakeExtractor(), WHITE)
    found = vectors(space, 1, 2)
    similarity = similarities(found[1:], found[:1], space.metric)[0, 0]
    assert why.similarity == pytest.approx(similarity, abs=1e-5)
    assert totals(why) == pytest.approx((similarity, similarity), abs=1e-5)
    assert (why.attribute, why.block, why.swatches, len(why.query)) == ("color", None, None, 1)


def test_the_maps_of_many_examples_sum_to_the_similarity_of_their_mean(space: Space) -> None:
    network = FakeExtractor()
    examples = [explained(seed) for seed in range(2, 21)]
    why = explain_term(COLOR, space, explained(1), examples, network, WHITE)
    assert network.pictures == 20
    mean = vectors(space, *range(2, 21)).mean(axis=0, keepdims=True)
    if space.metric == "cosine":
        mean /= np.linalg.norm(mean)
    similarity = similarities(mean, vectors(space, 1), space.metric)[0, 0]
    assert len(why.query) == 19
    assert totals(why) == pytest.approx((similarity, similarity), abs=2e-5)


def test_examples_once_seen_serve_many_hits(space: Space) -> None:
    seen = look([explained(seed) for seed in range(4)], space, FakeExtractor(), WHITE)
    for seed in (0, 1, 2):
        why = explain_examples(COLOR, space, seen[seed], seen[3:])
        alone = explain_term(COLOR, space, explained(seed), [explained(3)], FakeExtractor(), WHITE)
        assert why.similarity == pytest.approx(alone.similarity, abs=1e-6)
        np.testing.assert_allclose(why.hit.grid, alone.hit.grid, atol=1e-6)


def test_a_vector_is_explained_on_the_side_of_the_hit_alone(space: Space) -> None:
    seen = look([explained(1)], space, FakeExtractor(), WHITE)[0]
    why = explain_vector(Subject(block=2), space, seen, vectors(space, 2)[0])
    assert why.hit.total == pytest.approx(why.similarity, abs=1e-5)
    assert (why.attribute, why.block, why.query, why.swatches) == (None, 2, [], None)


def test_the_colors_of_a_palette_sum_to_the_similarity(space: Space) -> None:
    seen = look([explained(1)], space, FakeExtractor(), WHITE)[0]
    flat = np.stack([np.full((16, 16, 3), color, np.uint8) for color in (20, 90, 160)])
    raw = FakeExtractor().extract(flat, space.pools)
    why = explain_palette(COLOR, space, seen, mixture(raw, np.array([5, 3, 2], np.float32)))
    assert why.swatches is not None
    assert len(why.swatches) == 3
    assert sum(why.swatches) == pytest.approx(why.similarity, abs=1e-5)
    assert why.hit.total == pytest.approx(why.similarity, abs=1e-5)


def test_the_color_that_is_in_the_picture_has_the_greatest_part() -> None:
    red, blue = np.array([200, 10, 10]), np.array([10, 10, 200])
    flat = np.stack([np.full((16, 16, 3), color, np.uint8) for color in (red, blue)])
    raw = FakeExtractor().extract(flat, [FOREGROUND])
    space = simple_space("color", (FOREGROUND,), True, True, "cosine").fitted(lambda: [raw])
    picture = Image.new("RGB", (30, 30), (200, 10, 10))
    hit = look(
        [Explained(cut_square(picture, SMALL), picture.size)], space, FakeExtractor(), WHITE
    )[0]
    weights = np.array([0.6, 0.4], np.float32)
    swatches = explain_palette(COLOR, space, hit, mixture(raw, weights)).swatches
    assert swatches is not None
    assert swatches[0] > 0 > swatches[1]


def test_a_border_of_white_is_background(space: Space) -> None:
    """The square's padding, above and below the picture, which is wider than high."""
    why = explain_term(COLOR, space, explained(1), [explained(2)], FakeExtractor(), WHITE)
    for heat in (why.hit, *why.query):
        assert heat.extent[1] < 0.1
        assert heat.total == pytest.approx(why.similarity, abs=1e-5)


def test_what_a_mask_leaves_out_is_background() -> None:
    mask = np.zeros((28, 40), bool)
    mask[6:14, 6:14] = True
    mask[18:22, 26:34] = True
    space = simple_space("any", (GAP,), False, False, "cosine")
    masked = explained(1, Cutout(mask=mask))
    why = explain_term(COLOR, space, masked, [explained(2)], FakeExtractor(), WHITE)
    assert not np.all(why.hit.grid)
    assert why.hit.background > 0
    assert why.hit.total == pytest.approx(why.similarity, abs=1e-5)


def test_distances_draw_what_a_distance_falls_by() -> None:
    """All contributions to a distance are negative where no place is as far as the query."""
    pixels = np.stack([explained(seed).square.pixels for seed in range(100, 120)])
    raw = FakeExtractor().extract(pixels, [FOREGROUND])
    l2 = simple_space("any", (FOREGROUND,), True, True, "l2").fitted(lambda: [raw])
    cosine = replace(l2, metric="cosine")
    far, near = (
        explain_term(COLOR, one, explained(1), [explained(1)], FakeExtractor(), WHITE)
        for one in (l2, cosine)
    )
    assert far.similarity == pytest.approx(0, abs=1e-4)
    assert far.hit.overlay == near.hit.overlay is not None


def test_why_reads_back_from_its_json(space: Space) -> None:
    why = Why(
        terms=[explain_term(COLOR, space, explained(1), [explained(2)], FakeExtractor(), WHITE)]
    )
    assert Why.model_validate_json(why.model_dump_json()) == why
