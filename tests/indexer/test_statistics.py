"""Statistics against their definitions: means, spread evened out, colors probed."""

import numpy as np
import pytest

from indexer.branches import Affine, Branch, unit
from indexer.spaces import Space, iterate
from indexer.statistics import color_probe, fit_branch, spread_out
from models.extraction import PoolName

A = PoolName(2, "gap")
RANDOM = np.random.default_rng(3)
# Spread over few directions, the widest a hundred times the next: as an early block's are.
SCALES = np.array([30, 3, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001])
RAW = {A: (5 + RANDOM.standard_normal((400, 10)) * SCALES).astype(np.float32)}
WHITENED = Branch((A,), method="whitened", width=6, spread=4.0)


def participation(vectors: np.ndarray) -> float:
    spread = np.linalg.eigvalsh(np.cov(vectors.T.astype(np.float64)))
    return float(spread.sum() ** 2 / (spread**2).sum())


def last_but_one(branch: Branch) -> np.ndarray:
    """Vectors before the second layer, of unit length."""
    assert branch.layers is not None
    return unit(branch.layers[0](branch.joined(RAW)))


def test_spread_is_over_as_many_directions_as_asked_for() -> None:
    fitted = fit_branch(WHITENED, lambda: [RAW])
    assert fitted.layers is not None
    out = fitted.layers[1](last_but_one(fitted))
    assert participation(out) == pytest.approx(4.0, abs=0.02)
    assert participation(last_but_one(fitted)) < 2.5
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    correlations = np.corrcoef(out[:, :4].T)
    np.testing.assert_allclose(correlations, np.eye(4), atol=1e-3)


def test_without_a_wanted_spread_directions_keep_theirs() -> None:
    plain = fit_branch(Branch((A,), method="whitened", width=6), lambda: [RAW])
    assert plain.layers is not None
    out = plain.layers[1](last_but_one(plain))
    expected = np.linalg.eigvalsh(np.cov(last_but_one(plain).T.astype(np.float64), bias=True))
    np.testing.assert_allclose(out.var(axis=0), expected[::-1][:6], rtol=0.02, atol=1e-6)


def test_runs_give_what_all_at_once_does() -> None:
    whole = fit_branch(WHITENED, lambda: [RAW])
    runs = fit_branch(WHITENED, lambda: ({A: RAW[A][run]} for run in iterate(np.arange(400), 33)))
    for one, other in zip(whole.layers or (), runs.layers or (), strict=True):
        np.testing.assert_allclose(one.shift, other.shift, atol=1e-6)
        assert one.matrix is None or np.allclose(one.matrix, other.matrix, atol=1e-3)


def test_width_is_kept_where_there_are_fewer_directions() -> None:
    few = {A: RAW[A][:3]}
    space = Space("s", (WHITENED,), "cosine").fitted(lambda: [few])
    vectors = space.transform(few)
    assert vectors.shape == (3, 6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[:, 3:] == 0).all()


@pytest.mark.parametrize("rows", [RAW[A][:1], np.repeat(RAW[A][:1], 5, axis=0)])
def test_items_that_do_not_differ_are_zeros_and_no_error(rows: np.ndarray) -> None:
    space = Space("s", (WHITENED,), "cosine").fitted(lambda: [{A: rows}])
    assert space.ready
    found = space.transform({A: rows})
    assert np.isfinite(found).all()
    assert np.isfinite(space.transform(RAW)).all()


def test_nothing_is_taken_from_no_items() -> None:
    assert fit_branch(WHITENED, lambda: []) is WHITENED
    assert not WHITENED.ready


def test_what_was_learned_is_never_taken_anew() -> None:
    learned = Branch((A,), method="learned", layers=(Affine(np.ones(10, np.float32)),))
    space = Space("s", (learned, WHITENED), "cosine").fitted(lambda: [RAW])
    assert space.branches[0] is learned
    assert space.branches[1].layers is not None
    assert space.is_like(Space("t", (learned, WHITENED), "cosine"))
    other = Branch((A,), method="learned", layers=(Affine(np.zeros(10, np.float32)),))
    assert not space.is_like(Space("t", (other, WHITENED), "cosine"))


def test_exponent_stays_within_its_bounds() -> None:
    assert spread_out(np.ones(20), 8.0) == pytest.approx(-0.6)
    assert spread_out(np.array([1.0, 1e-3, 1e-3]), 8.0) == pytest.approx(0.9)
    assert spread_out(np.ones(8), 8.0) <= 0.9


def test_probe_drops_what_no_color_changes() -> None:
    colors = RANDOM.random((50, 3))
    mixing = np.zeros((3, 10))
    mixing[:, :4] = RANDOM.standard_normal((3, 4))
    probe = color_probe((colors @ mixing).astype(np.float32))
    assert probe.matrix is not None
    np.testing.assert_allclose(probe.matrix[:, 4:], 0, atol=1e-6)
    np.testing.assert_allclose(probe.matrix, probe.matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(probe.matrix).max() == pytest.approx(1, abs=1e-5)
    squares = probe.matrix @ probe.matrix
    cov = np.cov((colors @ mixing).T)
    np.testing.assert_allclose(squares, cov / np.linalg.eigvalsh(cov).max(), atol=1e-5)


def test_a_probed_branch_does_not_see_what_no_color_changes() -> None:
    probe = Affine(np.zeros(10, np.float32), np.diag([1.0] * 3 + [0.0] * 7).astype(np.float32))
    branch = Branch((A,), method="whitened", width=6, spread=2.0, probe=probe)
    space = Space("s", (branch,), "cosine").fitted(lambda: [RAW])
    moved = RAW[A].copy()
    moved[:, 3:] += 9
    np.testing.assert_allclose(space.transform({A: moved}), space.transform(RAW), atol=1e-5)
