"""Squares of labelled pictures: read once, kept as far as they fit, read again past that."""

from pathlib import Path

import numpy as np
import pytest

from indexer.sources import Entry, open_source
from models.errors import PictureError
from models.images import DEFAULT_LIMITS
from service.training.reading import Squares


def entries(folder: Path) -> list[Entry]:
    return list(open_source(str(folder)).entries())


@pytest.mark.parametrize("kept", [0, 5, 100])
def test_squares_are_the_same_whether_kept_or_read_again(pictures: Path, kept: int) -> None:
    size, ticks = 24, list[tuple[int, int]]()
    rows = np.array([3, 0, 19])
    with Squares(entries(pictures), size, DEFAULT_LIMITS, 2) as all_kept:
        reading = all_kept.read(lambda *tick: ticks.append(tick))
        expected = all_kept.take(rows)
    assert expected.shape == (3, size, size, 3)
    assert ticks == [(20, 20)]
    with Squares(entries(pictures), size, DEFAULT_LIMITS, 2, kept * size * size * 3) as some:
        assert some.read(lambda *_: None) == reading
        assert np.array_equal(some.take(rows), expected)


def test_a_picture_that_went_away_is_named(pictures: Path) -> None:
    found = entries(pictures)
    with Squares(found, 24, DEFAULT_LIMITS, 2, 0) as squares:
        squares.read(lambda *_: None)
        found[7].path.unlink()
        with pytest.raises(PictureError, match="no file at"):
            squares.take(np.array([6, 7]))
