"""Chunklets of pairs, and what held-out pairs say, on seeded synthetic vectors."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from indexer.spaces import unit
from models.extraction import Vectors
from service.learning.pairs import (
    FOLDS,
    MAX_DIMENSIONS,
    Learn,
    Pairs,
    Rows,
    _areas,
    _folds,
    chunklets,
    judge,
)

CLASSES, WIDTH = 6, 24


def pairs(*given: tuple[int, int, bool]) -> Pairs:
    rows = np.array([one[:2] for one in given], np.int64).reshape(-1, 2)
    return Pairs(rows, np.array([one[2] for one in given], np.bool_))


def groups(found: Pairs) -> list[list[int]]:
    made = chunklets(found)
    return [made.rows[made.codes == code].tolist() for code in range(made.count)]


def test_items_that_are_the_same_make_up_groups() -> None:
    found = pairs((1, 2, True), (5, 6, True), (2, 3, True), (8, 9, False), (1, 5, False))
    assert groups(found) == [[1, 2, 3], [5, 6]]
    assert chunklets(found).ignored == 0


def test_a_pair_that_others_contradict_joins_nothing_and_is_counted() -> None:
    found = pairs((1, 2, True), (3, 4, True), (2, 4, False), (1, 3, True), (3, 2, True))
    assert groups(found) == [[1, 2], [3, 4]]
    assert chunklets(found).ignored == 2


def test_what_is_different_stays_so_however_groups_grow() -> None:
    # 1 and 9 are different; 1 ends up with 2 to 4 and 9 with 8 to 6, then 2 and 8 cannot join.
    found = pairs((1, 9, False), (1, 2, True), (3, 4, True), (2, 3, True), (9, 8, True),
                  (7, 6, True), (8, 7, True), (4, 6, True), (5, 5, True))  # fmt: skip
    assert groups(found) == [[1, 2, 3, 4], [6, 7, 8, 9]]
    assert chunklets(found).ignored == 1


def test_no_group_holds_a_pair_that_is_different() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        found = Pairs(random.integers(0, 12, (25, 2)), random.random(25) < 0.6)
        made = chunklets(found)
        code = dict(zip(made.rows.tolist(), made.codes.tolist(), strict=True))
        joined = [code.get(a, -a - 1) == code.get(b, -b - 1) for a, b in found.rows.tolist()]
        distinct = found.rows[:, 0] != found.rows[:, 1]
        assert not (np.array(joined) & ~found.same & distinct).any()
        apart = ~np.array(joined) & found.same
        assert apart.sum() == made.ignored
        assert (np.bincount(made.codes, minlength=made.count) > 1).all()


def world(count: int, seed: int, *, seen: bool = True) -> tuple[Vectors, Pairs]:
    """Return vectors whose classes show in a few weak directions, or in none, and pairs of a
    person who judges ten items near each query."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, CLASSES, 300)
    vectors = random.standard_normal((300, WIDTH)) * np.linspace(3, 1, WIDTH)
    vectors += random.standard_normal((CLASSES, WIDTH))[classes] * (1.5 if seen else 0)
    vectors -= vectors.mean(axis=0)
    found = unit(vectors.astype(np.float32))
    nearest = np.argsort(-found @ found.T, axis=1)[:, 1:31]
    queries = np.repeat(random.integers(0, 300, count // 10), 10)
    hits = np.array([random.choice(nearest[query]) for query in queries])
    rows = np.stack([queries, hits], axis=1)
    return vectors.astype(np.float32), Pairs(rows, classes[queries] == classes[hits])


def learning(vectors: Vectors) -> Learn:
    def learn(rows: Rows, codes: Rows) -> Vectors:
        width = min(MAX_DIMENSIONS, len(np.unique(codes)) - 1)
        model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=width)
        return unit(model.fit(vectors[rows], codes).transform(vectors).astype(np.float32))

    return learn


def test_what_pairs_teach_shows_in_held_out_pairs() -> None:
    vectors, found = world(600, seed=1)
    verdict = judge(found, unit(vectors), learning(vectors))
    assert verdict.refused is None
    assert verdict.before is not None
    assert verdict.after is not None
    assert verdict.gain is not None
    assert verdict.gain.low > 0.02
    assert verdict.after.value - verdict.before.value == pytest.approx(verdict.gain.value)
    assert (verdict.pairs, verdict.same) == (600, int(found.same.sum()))
    assert judge(found, unit(vectors), learning(vectors)) == verdict  # by a seed


@pytest.mark.parametrize("seed", range(5))
def test_judgements_that_pictures_do_not_show_are_refused(seed: int) -> None:
    vectors, found = world(600, seed, seen=False)
    verdict = judge(found, unit(vectors), learning(vectors))
    assert verdict.refused is not None
    assert "told apart no better than by chance: an area under" in verdict.refused
    assert verdict.gain is not None


def test_what_learning_does_not_better_is_refused() -> None:
    vectors, found = world(600, seed=1)
    verdict = judge(found, unit(vectors), lambda rows, codes: unit(vectors))
    assert verdict.gain is not None
    assert (verdict.gain.low, verdict.gain.value, verdict.gain.high) == (0, 0, 0)
    assert verdict.refused is not None
    assert verdict.refused.startswith("held-out pairs do not show that it is better: an area under")


def test_too_little_is_refused_with_what_would_do() -> None:
    vectors, found = world(600, seed=1)
    learn = learning(vectors)

    def refused(some: Pairs) -> str | None:
        verdict = judge(some, unit(vectors), learn)
        assert verdict.gain is None
        return verdict.refused

    first = np.arange(len(found)) < 99
    assert refused(found.part(first)) == "99 pairs can be used: expected at least 100"
    same = found.part(found.same)
    assert refused(same) == f"all {len(same)} pairs are same: expected some of both"
    other = found.part(~found.same)
    assert refused(other) == f"all {len(other)} pairs are different: expected some of both"
    star = np.stack([np.zeros(200, np.int64), np.arange(1, 201)], axis=1)
    one = Pairs(star, np.arange(200) < 100)
    assert refused(one) == "all items that are the same as another are of one group, by 100 pairs"
    # Two queries that all pairs have an end at: whoever holds out a query has the other's only.
    two = np.concatenate([star, star[:, ::-1] + [[201, 0]]])[:, :2]
    both = Pairs(np.where(two == 401, 0, two), np.arange(400) % 2 == 0)
    assert judge(both, np.eye(402, 4, dtype=np.float32), lambda rows, codes: np.zeros((402, 1))
                 ).refused  # fmt: skip


def test_held_out_pairs_have_an_item_that_the_others_do_not_have() -> None:
    _, found = world(300, seed=2)
    tested = np.zeros(len(found), np.int64)
    for train, test in _folds(found, seed=0):
        tested += test
        known = np.unique(found.rows[train])
        assert not np.isin(found.rows[test], known).all(axis=1).any()
        assert (train != test).all()
    assert (tested >= 1).all()
    assert FOLDS == 5


def test_areas_are_those_of_scikit_learn_with_weights() -> None:
    random = np.random.default_rng(5)
    held = Pairs(np.stack([np.arange(80) % 9, np.arange(80) + 9], axis=1), random.random(80) < 0.4)
    before, after = random.integers(0, 6, 80) / 5, random.random(80)  # the former with ties
    areas = _areas([(held, before, after)], 100, seed=0)
    assert areas[:, 0] == pytest.approx(
        [roc_auc_score(held.same, before), roc_auc_score(held.same, after)]
    )
    draw = np.bincount(np.random.default_rng(0).integers(0, 9, 9), minlength=9)
    weights = draw[held.rows[:, 0]]
    assert areas[:, 1] == pytest.approx(
        [roc_auc_score(held.same, before, sample_weight=weights),
         roc_auc_score(held.same, after, sample_weight=weights)]
    )  # fmt: skip


def test_distances_are_compared_where_the_metric_is_l2() -> None:
    vectors, found = world(300, seed=4)
    scaled = vectors * np.random.default_rng(0).uniform(1, 9, (300, 1)).astype(np.float32)
    by_distance = judge(found, scaled, learning(vectors), "l2")
    by_angle = judge(found, unit(scaled), learning(vectors))
    assert by_distance.before is not None
    assert by_distance.before != by_angle.before
    assert by_distance.after == by_angle.after
