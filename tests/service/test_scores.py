"""Scores: uniform on random items, strictly monotone, in 0 to 1."""

import numpy as np
import pytest

from indexer.spaces import Metric
from service.scores import Scale


def sample(metric: Metric, size: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if metric == "cosine":
        return np.tanh(random.normal(0, 0.3, size)).astype(np.float32)
    return -random.gamma(5, 0.2, size).astype(np.float32)


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
def test_no_two_different_similarities_share_a_score(size: int) -> None:
    reference = sample("cosine", size, 0)
    line = np.unique(np.concatenate([np.linspace(-1, 1, 20_001, dtype=np.float32), reference]))
    scores = Scale(reference, "cosine").scores(line)
    assert (np.diff(scores) > 0).all()
    assert 0 < scores[0] < scores[-1] < 1


def test_neighbouring_float32_values_at_the_top_still_differ() -> None:
    top = [np.float32(1.0)]
    for _ in range(200):
        top.append(np.nextafter(top[-1], np.float32(0)))
    scores = Scale(sample("cosine", 4096, 0), "cosine").scores(np.array(top[::-1]))
    assert (np.diff(scores) > 0).all()


def test_sample_of_equal_values_still_tells_more_from_less_alike() -> None:
    scores = Scale(np.full(30, 0.5, np.float32), "cosine").scores(
        np.array([0.4, 0.5, 0.6], np.float32)
    )
    assert 0 < scores[0] < scores[1] < scores[2] < 1
