"""Random fields: smooth, bounded and true to their definitions."""

import numpy as np

from service.fabrics.lattice import cells, noise


def _plane(span: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A square grid of coordinates that starts below zero."""
    axis = np.linspace(-1, span - 1, count, dtype=np.float32)
    u, v = np.meshgrid(axis, axis)
    return u, v


def test_noise_is_bounded_lively_and_without_jumps() -> None:
    field = noise(*_plane(8, 400), np.random.default_rng(0))
    assert np.abs(field).max() <= 1
    assert field.std() > 0.2
    assert np.abs(np.diff(field)).max() < 0.08


def test_cells_without_jitter_measure_to_the_middle_of_each_square() -> None:
    point = np.array([[0.5, 0.75]], dtype=np.float32)
    near, far = cells(point, np.full_like(point, 0.5), 0, np.random.default_rng(0))
    np.testing.assert_allclose(near, [[0, 0.25]], atol=1e-6)
    np.testing.assert_allclose(far, [[1, 0.75]], atol=1e-6)


def test_second_nearest_is_never_nearer_and_meets_the_nearest_at_borders() -> None:
    near, far = cells(*_plane(6, 300), 0.8, np.random.default_rng(0))
    assert (far >= near).all()
    assert (far - near).min() < 0.01
    assert np.abs(np.diff(near)).max() < 0.05
