"""Contributions of places add up to the similarity, and lie where what is alike lies."""

import numpy as np
import pytest

from indexer.attribution import attribution, attributions, mean_query, mixture, pooled, project
from indexer.branches import Affine, Branch
from indexer.spaces import Metric, Space, similarities, simple_space
from models.extraction import LocalPool, LocalPools, PoolName

A, B = PoolName(1, "foreground"), PoolName(4, "gap")
SIDES, WIDTHS = {A: 8, B: 2}, {A: 5, B: 9}


def picture(seed: int) -> LocalPools:
    """Maps of 8 x 8 and 2 x 2 places, unevenly weighted, of values as a ReLU leaves them."""
    random = np.random.default_rng(seed)
    found = {}
    for pool, side in SIDES.items():
        values = np.maximum(random.normal(0.3, 1, (1, side, side, WIDTHS[pool])), 0)
        weights = random.random((1, side, side))
        weights /= weights.sum()
        found[pool] = LocalPool(values.astype(np.float32), weights.astype(np.float32))
    return found


def spaces() -> list[Space]:
    catalog = [pooled(picture(seed)) for seed in range(100, 120)]
    metrics: list[Metric] = ["cosine", "l2"]
    simple = [
        simple_space("any", pools, root, centre, metric).fitted(lambda: catalog)
        for pools in ((A,), (B,), (A, B))
        for root in (False, True)
        for centre in (False, True)
        for metric in metrics
    ]
    random = np.random.default_rng(5)
    learned = Branch(
        (A, B),
        frozenset({B}),
        "learned",
        layers=(Affine(random.random(14, np.float32), random.random((14, 3), np.float32)),),
        weight=0.7,
    )
    probe = Affine(np.zeros(5, np.float32), random.random((5, 5), np.float32))
    probed = Branch((A,), frozenset({A}), "whitened", 4, 2.0, probe=probe)
    deep = Branch((B,), frozenset(), "whitened", 3, weight=0.3)
    several = [(probed,), (deep,), (probed, deep), (learned,), (learned, probed, deep)]
    layered = [
        Space("any", branches, metric).fitted(lambda: catalog)
        for branches in several
        for metric in metrics
    ]
    return [*simple, *layered]


def named(space: Space) -> str:
    parts = (
        "+".join(f"{pool}{'-root' * (pool in one.rooted)}" for pool in one.pools) + f"-{one.method}"
        for one in space.branches
    )
    return f"{'|'.join(parts)}-{space.metric}"


@pytest.fixture(params=spaces(), ids=named)
def space(request: pytest.FixtureRequest) -> Space:
    found: Space = request.param
    return found


def vector(space: Space, local: LocalPools) -> np.ndarray:
    return space.transform(pooled(local))


def total(maps: list[np.ndarray]) -> float:
    return float(sum(part.sum() for part in maps))


def test_contributions_sum_to_the_similarity(space: Space) -> None:
    query = vector(space, picture(0))
    for seed in range(1, 6):
        maps = attribution(space, picture(seed), query[0])
        assert [part.shape for part in maps] == [(SIDES[p], SIDES[p]) for p in space.pools]
        similarity = similarities(query, vector(space, picture(seed)), space.metric)[0, 0]
        assert total(maps) == pytest.approx(similarity, abs=1e-5)


def test_the_maps_of_all_examples_sum_to_the_similarity_of_their_mean(space: Space) -> None:
    examples = [picture(seed) for seed in (0, 1, 2)]
    hit = vector(space, picture(3))
    query = mean_query(space, np.concatenate([vector(space, one) for one in examples]))
    maps = attributions(space, examples, hit[0])
    assert len(maps) == 3
    similarity = similarities(query[None], hit, space.metric)[0, 0]
    assert sum(map(total, maps)) == pytest.approx(similarity, abs=1e-5)


def test_one_example_is_asked_as_it_is(space: Space) -> None:
    vectors = vector(space, picture(0))
    np.testing.assert_allclose(mean_query(space, vectors), vectors[0], atol=1e-6)


def test_a_picture_is_explained_by_itself(space: Space) -> None:
    found = total(attribution(space, picture(0), vector(space, picture(0))[0]))
    assert found == pytest.approx(1 if space.metric == "cosine" else 0, abs=1e-5)


def test_a_place_contributes_what_its_own_values_do() -> None:
    """Against the definition, place by place: w * q . (f / sqrt(r) - mean) / length."""
    space = simple_space("a", (A,), True, True, "cosine").fitted(lambda: [pooled(picture(9))])
    local, query = picture(1), vector(space, picture(0))[0]
    raw = pooled(local)[A][0]
    flat = np.sqrt(raw) - space.layers[0].shift
    found = attribution(space, local, query)[0]
    for y, x in [(0, 0), (3, 5), (7, 7)]:
        place = local[A].values[0, y, x] / np.sqrt(raw) - space.layers[0].shift
        expected = local[A].weights[0, y, x] * (query @ place) / np.linalg.norm(flat)
        assert found[y, x] == pytest.approx(expected, abs=1e-6)


def test_likeness_lies_where_the_alike_half_lies() -> None:
    red, blue = np.array([4.0, 0.5, 0.5]), np.array([0.5, 0.5, 4.0])
    values = np.where(np.arange(4)[None, None, :, None] < 2, red, blue) * np.ones((1, 4, 4, 1))
    local = {A: LocalPool(values.astype(np.float32), np.full((1, 4, 4), 1 / 16, np.float32))}
    catalog = {A: np.array([[1.5, 1.5, 1.5], [1.5, 0.5, 1.5]], np.float32)}
    space = simple_space("a", (A,), True, True, "cosine").fitted(lambda: [catalog])
    query = space.transform({A: red[None].astype(np.float32)})[0]
    found = attribution(space, local, query)[0]
    assert (found[:, :2] > 0).all()
    assert (found[:, 2:] < 0).all()


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_channel_that_is_nowhere_adds_nothing(metric: Metric) -> None:
    local = picture(1)
    local[A].values[..., 2] = 0
    space = simple_space("a", (A,), True, True, metric).fitted(lambda: [pooled(picture(9))])
    query = vector(space, picture(0))
    maps = attribution(space, local, query[0])
    assert np.isfinite(maps[0]).all()
    similarity = similarities(query, vector(space, local), metric)[0, 0]
    assert total(maps) == pytest.approx(similarity, abs=1e-5)


def test_a_pool_that_is_all_mean_has_no_say() -> None:
    space = simple_space("both", (A, B), False, True, "cosine").fitted(lambda: [pooled(picture(1))])
    flat = {**picture(2), A: picture(1)[A]}
    query = vector(space, picture(0))
    maps = attribution(space, flat, query[0])
    similarity = similarities(query, vector(space, flat), "cosine")[0, 0]
    assert np.isfinite(maps[0]).all()
    assert maps[1].sum() == pytest.approx(similarity, abs=1e-5)


def test_examples_that_cancel_out_ask_for_nothing() -> None:
    catalog = [pooled(picture(seed)) for seed in (0, 1)]
    space = simple_space("a", (A,), False, True, "cosine").fitted(lambda: catalog)
    maps = attributions(space, [picture(0), picture(1)], np.zeros(5, np.float32))
    vectors = np.concatenate([space.transform(one) for one in catalog])
    assert np.allclose(vectors[0], -vectors[1], atol=1e-6)
    assert np.isfinite(mean_query(space, vectors)).all()
    assert np.isfinite(maps).all()


def test_the_colors_of_a_mixture_are_its_places(space: Space) -> None:
    colors = {
        pool: np.concatenate([pooled(picture(seed))[pool] for seed in range(3)]) for pool in (A, B)
    }
    mixed = mixture(colors, np.array([2.0, 1.0, 1.0], np.float32))
    for pool in (A, B):
        expected = 0.5 * colors[pool][0] + 0.25 * colors[pool][1] + 0.25 * colors[pool][2]
        np.testing.assert_allclose(pooled(mixed)[pool][0], expected, rtol=1e-5)
    hit = vector(space, picture(7))
    maps = attribution(space, mixed, hit[0])
    assert all(part.shape == (3, 1) for part in maps)
    similarity = similarities(vector(space, mixed), hit, space.metric)[0, 0]
    assert total(maps) == pytest.approx(similarity, abs=1e-5)


def test_a_projection_is_linear_in_its_direction(space: Space) -> None:
    local = picture(4)
    first, second = vector(space, picture(0))[0], vector(space, picture(1))[0]
    both = project(space, local, 2 * first - second)
    parts = zip(project(space, local, first), project(space, local, second), strict=True)
    for found, (one, other) in zip(both, parts, strict=True):
        np.testing.assert_allclose(found, 2 * one - other, atol=1e-4)
