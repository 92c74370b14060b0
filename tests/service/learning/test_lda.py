"""Shrinkage discriminants against scikit-learn's, and with shares of classes in place of labels."""

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from service.learning.arrays import one_hot
from service.learning.lda import discriminants, scatter
from tests.service.learning.made import codes_of, points


def aligned(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return ``theirs`` scaled and turned, column by column, as ``ours`` are."""
    centred = theirs - theirs.mean(axis=0)
    return centred * (ours * centred).sum(axis=0) / (centred**2).sum(axis=0)


def test_equal_classes_are_projected_as_by_scikit_learn() -> None:
    codes = codes_of(4, 15)
    rows = points(codes, 0)
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(rows, codes)
    ours = discriminants(scatter(rows, one_hot(codes, 4)), 1e-12)(rows)
    assert ours == pytest.approx(aligned(ours, theirs.transform(rows)[:, :3]), abs=1e-6)
    # All directions are of one scale: the variance within classes is one in each.
    within = scatter(ours, one_hot(codes, 4)).within
    assert within == pytest.approx(np.eye(3), abs=1e-6)


@pytest.mark.parametrize("ridge", [0.1, 10.0])
def test_ridge_is_added_to_what_varies_within_classes(ridge: float) -> None:
    codes = np.int32([0] * 4 + [1] * 20 + [2] * 9)  # classes weigh alike, however large
    rows = points(codes, 0)
    means = np.stack([rows[codes == one].mean(axis=0) for one in range(3)])
    within = sum((rows[codes == one] - means[one]).T @ (rows[codes == one] - means[one])
                 for one in range(3)) / (33 - 3)  # fmt: skip
    between = (means - means.mean(axis=0)).T @ (means - means.mean(axis=0))
    _, vectors = eigh(between, within + ridge * np.eye(12))
    ours = discriminants(scatter(rows, one_hot(codes, 3)), ridge)(rows)
    theirs = (rows - means.mean(axis=0)) @ vectors[:, ::-1][:, :2]
    signs = np.sign((ours * theirs).sum(axis=0))
    assert ours == pytest.approx(theirs * signs, abs=1e-6)


def test_nearest_mean_guesses_as_scikit_learn_with_equal_priors() -> None:
    codes = codes_of(4, 15)
    rows, new = points(codes, 0, apart=0.7), points(codes, 1, apart=0.7)
    model = LinearDiscriminantAnalysis(solver="lsqr", priors=[0.25] * 4).fit(rows, codes)
    found = discriminants(scatter(rows, one_hot(codes, 4)), 1e-12)
    assert found.logits(new).argmax(axis=1).tolist() == model.predict(new).tolist()
    assert 0.3 < (model.predict(new) == codes).mean() < 1


def test_shares_count_like_so_many_items() -> None:
    codes = codes_of(3, 8)
    rows = points(codes, 0)
    twice = scatter(np.concatenate([rows, rows[:5]]), one_hot(np.r_[codes, codes[:5]], 3))
    shares = one_hot(codes, 3)
    shares[:5] *= 2
    weighted = scatter(rows, shares)
    assert weighted.within == pytest.approx(twice.within)
    assert weighted.means == pytest.approx(twice.means)


def test_item_of_two_classes_by_halves_counts_half_in_each() -> None:
    rows = np.array([[0.0, 0], [2, 0], [0, 4], [2, 4], [1, 2]])
    shares = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0.5, 0.5]])
    found = scatter(rows, shares)
    assert found.means == pytest.approx(np.array([[1, 0.4], [1, 3.6]]))
    total = sum(
        share * np.outer(row - mean, row - mean)
        for row, pair in zip(rows, shares, strict=True)
        for share, mean in zip(pair, found.means, strict=True)
    )
    assert found.within == pytest.approx(total / 3)


def test_one_example_a_class_is_enough_for_the_ridge() -> None:
    rows = np.eye(3, 8)
    found = discriminants(scatter(rows, np.eye(3)), 0.1)
    assert found.matrix.shape == (8, 2)
    near = found.embed(rows) @ found.embed(rows).T
    assert near == pytest.approx(np.where(np.eye(3) > 0, 1, -0.5))


def test_fewer_labels_than_directions_are_no_trouble() -> None:
    codes = codes_of(3, 4)
    rows = points(codes, 0, width=200)
    found = discriminants(scatter(rows, one_hot(codes, 3)), 0.01)
    assert np.isfinite(found.embed(rows)).all()
