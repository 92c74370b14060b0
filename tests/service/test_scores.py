"""Scores: uniform on random items, strictly monotone, in 0 to 1; and terms added up as evidence."""

import numpy as np
import pytest

from indexer.spaces import Metric
from service.scores import Scale, combine, total_scores


def sample(metric: Metric, size: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if metric == "cosine":
        return np.tanh(random.normal(0, 0.3, size)).astype(np.float32)
    return -random.gamma(5, 0.2, size).astype(np.float32)


def line(metric: Metric) -> np.ndarray:
    """Return similarities from the least to the most, rising."""
    least = -1 if metric == "cosine" else -50
    top = 1 if metric == "cosine" else 0
    return np.unique(np.linspace(least, top, 20_001, dtype=np.float32))


def neighbors_of_the_top() -> np.ndarray:
    """Return the 200 float32 values next to 1, rising."""
    top = [np.float32(1.0)]
    for _ in range(200):
        top.append(np.nextafter(top[-1], np.float32(0)))
    return np.array(top[::-1])


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_scores_of_random_items_are_uniform(metric: Metric) -> None:
    scale = Scale(sample(metric, 4096, 0), metric)
    scores = np.sort(scale.scores(sample(metric, 20_000, 1)))
    uniform = (np.arange(20_000) + 0.5) / 20_000
    # Kolmogorov-Smirnov against a sample of 4,096: 1.63 / sqrt(4096) is the 1 % level.
    assert np.abs(scores - uniform).max() < 0.0255


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_score_is_the_share_of_the_sample_that_is_less_alike(metric: Metric) -> None:
    reference = sample(metric, 1000, 0)
    probes = sample(metric, 50, 1)
    share = (reference[None, :] < probes[:, None]).mean(axis=1)
    np.testing.assert_allclose(Scale(reference, metric).scores(probes), share, atol=2e-3)


@pytest.mark.parametrize("size", [1, 2, 5, 400, 4096])
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_no_two_different_similarities_share_a_score_or_its_tail(size: int, metric: Metric) -> None:
    reference = sample(metric, size, 0)
    scale = Scale(reference, metric)
    values = np.unique(np.concatenate([line(metric), reference]))
    scores, tails = scale.scores(values), scale.tails(values)
    assert (np.diff(scores) > 0).all()
    assert (np.diff(tails) < 0).all()
    assert (np.diff(combine([tails], [1.0])) > 0).all()
    assert 0 < scores[0] < scores[-1] < 1


def test_neighboring_float32_values_at_the_top_still_differ() -> None:
    scale = Scale(sample("cosine", 4096, 0), "cosine")
    values = neighbors_of_the_top()
    assert (np.diff(scale.scores(values)) > 0).all()
    evidence = combine([scale.tails(values)], [1.0])
    assert (np.diff(evidence) > 0).all()


def test_sample_of_equal_values_still_tells_more_from_less_alike() -> None:
    scores = Scale(np.full(30, 0.5, np.float32), "cosine").scores(
        np.array([0.4, 0.5, 0.6], np.float32)
    )
    assert 0 < scores[0] < scores[1] < scores[2] < 1


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_tails_are_what_scores_leave(metric: Metric) -> None:
    scale = Scale(sample(metric, 400, 0), metric)
    np.testing.assert_array_equal(scale.scores(line(metric)), 1 - scale.tails(line(metric)))


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_enclose_the_tails_closely(size: int, metric: Metric, seed: int) -> None:
    reference = sample(metric, size, seed)
    scale = Scale(reference, metric)
    values = sample(metric, 5000, seed + 10)
    values[:200] = neighbors_of_the_top()[-200:] if metric == "cosine" else 0
    values[200:300] = reference.max()
    low, high = scale.bounds(values)
    tails = scale.tails(values)
    assert (low < tails).all()
    assert (tails < high).all()
    assert np.median(high / low) < 1.1


@pytest.mark.parametrize("value", [-1.0, 0.3, 1.0])
def test_bounds_of_equal_similarities_enclose_their_tail(value: float) -> None:
    scale = Scale(sample("cosine", 400, 0), "cosine")
    values = np.full(10, value, np.float32)
    low, high = scale.bounds(values)
    assert (low < scale.tails(values)).all()
    assert (scale.tails(values) < high).all()


def random_tails(terms: int, count: int = 1000) -> list[np.ndarray]:
    return list(10 ** np.random.default_rng(0).uniform(-9, 0, (terms, count)))


@pytest.mark.parametrize("weight", [1.0, 0.3, 1e6])
def test_one_term_has_the_score_it_has_alone(weight: float) -> None:
    scale = Scale(sample("cosine", 400, 0), "cosine")
    values = line("cosine")
    total = total_scores(combine([scale.tails(values)], [weight]), [weight])
    np.testing.assert_allclose(total, scale.scores(values), atol=1e-14)


@pytest.mark.parametrize("weights", [[1.0, 1.0], [0.7, 0.3], [5.0, 0.0], [1e6, 1.0]])
def test_terms_that_attract_score_one_minus_the_quadratic_mean_of_their_tails(
    weights: list[float],
) -> None:
    tails = random_tails(2)
    total = total_scores(combine(tails, weights), weights)
    mean = np.sqrt(np.average(np.square(tails), axis=0, weights=weights))
    np.testing.assert_allclose(total, 1 - mean, rtol=1e-9, atol=1e-12)


def test_being_perfect_in_one_term_does_not_make_up_for_another() -> None:
    tails = [np.array([1e-6, 0.1]), np.array([0.5, 0.1])]
    first, second = total_scores(combine(tails, [1.0, 1.0]), [1.0, 1.0])
    assert first < second


def test_only_the_ratio_of_weights_counts() -> None:
    few, many = ([factor * one for one in (3, 1, -2)] for factor in (1e-3, 1e5))
    tails = random_tails(3)
    np.testing.assert_allclose(
        total_scores(combine(tails, few), few), total_scores(combine(tails, many), many)
    )


def test_order_of_terms_does_not_count() -> None:
    tails, weights = random_tails(3), [3.0, 1.0, -2.0]
    np.testing.assert_allclose(combine(tails, weights), combine(tails[::-1], weights[::-1]))


@pytest.mark.parametrize("weights", [[1.0, -1.0], [0.2, -3.0], [1.0, -0.1]])
def test_with_a_term_that_pushes_away_scores_lie_in_0_to_1_and_rise_with_the_evidence(
    weights: list[float],
) -> None:
    least, most = combine([np.array([1, 1e-9]), np.array([1e-9, 1])], weights)
    scores = total_scores(np.linspace(least, most, 10_001), weights)
    assert 0 < scores[0] < scores[-1] < 1
    assert (np.diff(scores) > 0).all()
    assert total_scores(combine([np.ones(1), np.ones(1)], weights), weights)[0] == 0.5


@pytest.mark.parametrize("weights", [[1.0, -0.5], [1.0, 2.0], [1.0, 1.0, -3.0]])
def test_more_alike_scores_more_in_what_attracts_and_less_in_what_pushes_away(
    weights: list[float],
) -> None:
    for at, weight in enumerate(weights):
        tails = [np.full(1000, 0.01) for _ in weights]
        tails[at] = 10 ** np.linspace(0, -5, 1000)  # ever more alike
        rises = np.diff(total_scores(combine(tails, weights), weights))
        assert (rises * np.sign(weight) > 0).all()
