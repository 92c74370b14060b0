"""Pictures of one color each, and what a network makes of them."""

import numpy as np

from models.extraction import PoolName
from models.probe import flat_colors
from tests.fakes import CHANNELS, FakeExtractor


def test_an_even_grid_of_colors_goes_through_the_network() -> None:
    extractor = FakeExtractor()
    found = flat_colors(extractor, 2)
    assert found.shape == (729, CHANNELS[1])
    assert extractor.blocks == {2}
    assert len(np.unique(found, axis=0)) > 700
    black = np.zeros((1, 64, 64, 3), np.uint8)
    values = next(iter(extractor.local(black, [PoolName(2, "gap")]).values())).values
    np.testing.assert_array_equal(found[0], values[0, 2, 2])
