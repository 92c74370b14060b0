"""Softened shapes on the plane."""

import numpy as np
import pytest

from service.fabrics.plane import band, edge, fold


def test_fold_measures_to_the_nearest_whole_number() -> None:
    phase = np.array([-0.25, 0.0, 0.4, 0.6, 7.9], dtype=np.float32)
    np.testing.assert_allclose(fold(phase), [0.25, 0, 0.4, 0.4, 0.1], atol=1e-6)


def test_edge_is_half_covered_on_the_line_and_softens_over_a_pixel_and_a_half() -> None:
    depth = np.array([-0.08, -0.0375, 0, 0.0375, 0.08], dtype=np.float32)
    np.testing.assert_allclose(edge(depth, 0.1), [0, 0.25, 0.5, 0.75, 1], atol=1e-6)


@pytest.mark.parametrize("width", [0.2, 0.5])
def test_band_covers_its_width_of_each_period(width: float) -> None:
    phase = np.linspace(0, 5, 5000, endpoint=False, dtype=np.float32)
    assert band(phase, width, 0.01).mean() == pytest.approx(width, abs=0.005)
