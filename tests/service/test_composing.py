"""Composed search: the best of all items, by brute force; lists that grow until it is certain."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import service.composing
from indexer.spaces import Metric, Space
from service.composing import Part, Ranking, _best, _promising, rank_items, score_items
from service.opening import Opened
from service.query import Subject
from service.scores import Scale, combine
from tests.oracle import plain_vectors
from tests.service.views import FakeView, part, random_view, space

SUBJECTS = (Subject(attribute="color"), Subject(attribute="texture"), Subject(block=2))
WEIGHTS = [(1, 1), (0.7, 0.3), (1, -0.5), (1, 0), (2, 1, 3), (3, -1, -1), (1e-3, -5, 1e-3)]


def vectors(opened: Opened, space: Space) -> np.ndarray:
    """Return the (n, d) vectors of all items by slot, made of raw pools in float64."""
    slots = np.arange(opened.store.count())
    return plain_vectors(space, opened.store.pools(slots, space.pools))


def brute_force(
    similarities: Sequence[np.ndarray], samples: Sequence[np.ndarray], weights: Sequence[float]
) -> np.ndarray:
    """Return the total score of each item."""
    tails = [
        Scale(sample, "cosine").tails(one)
        for one, sample in zip(similarities, samples, strict=True)
    ]
    weight, tail = np.array(weights, float)[:, None], np.stack(tails)
    pulls = np.maximum(weight, 0) / np.maximum(weight, 0).sum()
    attracted = np.sqrt((pulls * tail**2).sum(axis=0)) ** (
        np.maximum(weight, 0).sum() / np.abs(weight).sum()
    )
    product = attracted / np.prod(tail ** (np.maximum(-weight, 0) / np.abs(weight).sum()), axis=0)
    return 1 / (1 + product) if min(weights) < 0 else 1 - product


@pytest.mark.parametrize("weights", WEIGHTS)
def test_ranking_is_that_of_brute_force_over_the_pools(
    opened: Opened, weights: tuple[float, ...]
) -> None:
    view = opened.store.view()
    parts, found, samples = [], [], []
    for at, (subject, weight) in enumerate(zip(SUBJECTS, weights, strict=False)):
        manifest = opened.store.manifest
        name, block = subject.attribute, subject.block
        of = manifest.space_of_attribute(name) if name else manifest.space_of_block(block or 0)
        all_vectors = vectors(opened, of)
        found.append(all_vectors @ all_vectors[at])
        # All items are the reference sample, which is kept in float16.
        samples.append(all_vectors.astype(np.float16).astype(np.float64) @ all_vectors[at])
        parts.append(Part(subject, of, all_vectors[at].astype(np.float32), weight))
    scores = brute_force(found, samples, weights)
    ranking = rank_items(view, parts, 20)
    assert ranking.exact
    assert ranking.slots.tolist() == np.argsort(-scores, kind="stable").tolist()
    np.testing.assert_allclose(ranking.scores, scores[ranking.slots], atol=1e-3)
    for values, truth in zip(ranking.similarities, found, strict=True):
        np.testing.assert_allclose(values, truth[ranking.slots], atol=1e-5)


def test_score_of_a_term_is_the_one_it_has_alone(opened: Opened) -> None:
    view = opened.store.view()
    parts = [
        Part(Subject(attribute=name), of, view.vectors(of, np.array([at]))[0], 1.0)
        for at, name in enumerate(("color", "texture"))
        for of in [opened.store.manifest.space_of_attribute(name)]
    ]
    both = rank_items(view, parts, 20)
    for number, one in enumerate(parts):
        alone = rank_items(view, [one], 20)
        scores = dict(zip(alone.slots.tolist(), alone.scores.tolist(), strict=True))
        expected = [scores[slot] for slot in both.slots.tolist()]
        np.testing.assert_allclose(both.term_scores[number], expected, atol=1e-5)


def test_weight_of_zero_changes_no_ranking_but_is_told(opened: Opened) -> None:
    view = random_view(300, 0)
    alone = rank_items(view, [part(view, "a", 1)], 300)
    beside = rank_items(replace(view, scans=True), [part(view, "a", 1), part(view, "b", 0)], 300)
    assert alone.slots.tolist() == beside.slots.tolist()
    np.testing.assert_allclose(alone.scores, beside.scores, atol=1e-12)
    assert len(beside.term_scores) == 2


def test_items_are_scored_in_the_order_asked_for_as_they_are_ranked() -> None:
    view = random_view(300, 0)
    parts = [part(view, "a", 1), part(view, "b", -0.4, item=5)]
    ranking = rank_items(replace(view, scans=True), parts, 300)
    backwards = score_items(view, parts, ranking.slots[::-1])
    assert backwards.slots.tolist() == ranking.slots[::-1].tolist()
    np.testing.assert_allclose(backwards.scores[::-1], ranking.scores, rtol=1e-6)
    assert backwards.exact


def test_first_of_a_ranking_is_its_best() -> None:
    view = random_view(300, 0)
    ranking = rank_items(view, [part(view, "a", 1), part(view, "b", 1)], 50)
    few = ranking.first(3)
    assert few.slots.tolist() == ranking.slots[:3].tolist()
    lengths = [len(few.scores), *map(len, few.similarities), *map(len, few.term_scores)]
    assert lengths == [3] * 5


# --- lists that grow --------------------------------------------------------------------------


def check_same(found: Ranking, truth: Ranking) -> None:
    np.testing.assert_allclose(found.scores, truth.scores, rtol=1e-7)
    assert found.slots.tolist() == truth.slots.tolist()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(3))
def test_growing_lists_find_what_looking_at_all_finds(
    weights: tuple[float, ...], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 8)
    view = random_view(2000, seed)
    parts = [part(view, name, w, item=at) for at, (name, w) in enumerate(zip("abc", weights))]  # noqa: B905
    found = rank_items(view, parts, 5)
    assert found.exact
    assert view.asked, "lists were asked for"
    check_same(found, rank_items(replace(view, scans=True), parts, 5))
    assert {name for name, _ in view.asked} == {
        one.space.name for one in parts if one.weight > 0
    }, "only what attracts gives lists"


def test_lists_grow_no_longer_once_the_best_are_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 40)
    view = random_view(5000, 0, names="a")
    view.held = {"a": view.held["a"], "b": view.held["a"]}
    found = rank_items(view, [part(view, "a", 1), part(view, "b", 1)], 5)
    assert found.exact
    assert view.asked == [("a", 40), ("b", 40)]


def test_lists_grow_step_by_step_until_the_best_are_certain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 10)
    view = random_view(5000, 0)
    parts = [part(view, "a", 1), part(view, "b", 1, item=1)]
    found = rank_items(view, parts, 2)
    lengths = [length for name, length in view.asked if name == "a"]
    assert lengths == [10 * 4**step for step in range(len(lengths))]
    assert len(lengths) > 1
    assert lengths[-1] < 5000, "certain before all were listed"
    assert found.exact
    check_same(found, rank_items(replace(view, scans=True), parts, 2))


def opposed(count: int) -> tuple[FakeView, list[Part]]:
    """Return two terms, the best of either being the worst of the other."""
    view = random_view(count, 0, names="a")
    view.held = {"a": view.held["a"], "b": -view.held["a"]}
    first = part(view, "a", 1)
    return view, [first, replace(first, space=space("b"))]


def test_lists_that_are_as_long_as_they_get_leave_it_uncertain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 20)
    monkeypatch.setattr(service.composing, "_LONGEST", 100)
    view, parts = opposed(5000)
    found = rank_items(view, parts, 5)
    assert not found.exact
    assert len(found.slots) == 5
    assert max(length for _, length in view.asked) < 5000


def test_lists_that_name_all_items_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 100)
    view, parts = opposed(60)
    found = rank_items(view, parts, 60)
    assert found.exact
    assert len(found.slots) == 60
    check_same(found, rank_items(replace(view, scans=True), parts, 60))


def test_more_than_there_is_may_be_asked_for() -> None:
    view = random_view(9, 0)
    parts = [part(view, "a", 1), part(view, "b", 1)]
    assert len(rank_items(view, parts, 50).slots) == 9
    assert len(rank_items(replace(view, scans=True), parts, 50).slots) == 9


def test_approximate_lists_make_no_exact_answer() -> None:
    view = replace(random_view(3000, 0, names="a"), exact=False)
    view.held = {"a": view.held["a"], "b": view.held["a"]}
    found = rank_items(view, [part(view, "a", 1), part(view, "b", 1)], 5)
    assert not found.exact
    assert not rank_items(view, [part(view, "a", 1)], 5).exact


def test_approximate_lists_that_end_early_come_to_an_end() -> None:
    view = replace(random_view(3000, 0), exact=False, shortest=30)
    found = rank_items(view, [part(view, "a", 1), part(view, "b", 1)], 100)
    assert not found.exact
    assert 30 <= len(found.slots) <= 60


@pytest.mark.parametrize("scans", [True, False])
def test_ties_go_to_the_lower_slot(scans: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.composing, "_FIRST", 40)
    view = replace(random_view(200, 0), scans=scans)
    order = np.random.default_rng(1).integers(0, 200, 200)
    view.held = {name: one[order] for name, one in view.held.items()}  # many are the same
    found = rank_items(view, [part(view, "a", 1), part(view, "b", 0.5)], 200)
    ranked = list(zip((-found.scores).tolist(), found.slots.tolist(), strict=True))
    assert ranked == sorted(ranked)


# --- many items -------------------------------------------------------------------------------


def random_terms(
    seed: int, count: int, metric: Metric
) -> tuple[list[Part], list[Scale], list[np.ndarray]]:
    """Return random terms with random weights, and similarities with many ties and extremes."""
    random = np.random.default_rng(seed)
    parts, scales, found = [], [], []
    for at in range(int(random.integers(2, 6))):
        weight = float(random.choice([1, 0.5, -1, -0.3, 0, 100, 1e-3])) if at else 1.0
        spread = float(random.choice([0.01, 0.1, 0.3]))
        values = np.clip(random.normal(0, spread, count), -1, 1)
        values = values if metric == "cosine" else -np.abs(values) * 40
        values[random.integers(0, count, 300)] = 1 if metric == "cosine" else 0
        values[random.integers(0, count, 300)] = values.min()
        if random.random() < 0.5:
            values = np.round(values, 2)
        values = values.astype(np.float32)
        one = space(f"s{at}", metric)
        parts.append(Part(Subject(block=1), one, np.zeros(1, np.float32), weight))
        scales.append(Scale(random.choice(values, int(random.choice([1, 50, 4096]))), metric))
        found.append(values)
    return parts, scales, found


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("seed", range(12))
def test_bounds_never_rule_out_one_of_the_best(seed: int, metric: Metric) -> None:
    count, limit = 20_500, (1, 20, 1000)[seed % 3]
    parts, scales, found = random_terms(seed, count, metric)
    slots = np.random.default_rng(seed).permutation(count) + 7
    best, values = _best(parts, scales, slots, found, limit)
    tails = [scale.tails(one) for scale, one in zip(scales, found, strict=True)]
    combined = combine(tails, [part.weight for part in parts])
    order = np.lexsort((slots, -combined))[:limit]
    assert best.tolist() == slots[order].tolist()
    for one, of in zip(values, found, strict=True):
        np.testing.assert_array_equal(one, of[order])


def test_bounds_rule_out_nearly_all() -> None:
    random = np.random.default_rng(0)
    found = [np.tanh(random.normal(0, 0.2, 50_000)).astype(np.float32) for _ in range(2)]
    scales = [Scale(one[:4096], "cosine") for one in found]
    kept = _promising(scales, found, [1.0, -0.5], 20)
    assert 20 <= len(kept) < 500


def test_many_items_are_ranked_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    view = replace(random_view(21_000, 0), scans=True)
    parts = [part(view, "a", 1), part(view, "b", 0.4, item=1), part(view, "c", -0.2, item=2)]
    quick = rank_items(view, parts, 100)
    monkeypatch.setattr(service.composing, "_MANY", 10**9)
    check_same(quick, rank_items(view, parts, 100))
