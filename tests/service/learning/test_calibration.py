"""Which space votes, and what it says of itself."""

from dataclasses import replace

import numpy as np

from service.learning.arrays import one_hot
from service.learning.calibration import best_voter, seen_of
from service.learning.folds import make_folds
from tests.service.learning.made import codes_of, points, problem


def test_learned_space_votes_where_it_knows_more() -> None:
    posed = problem(codes_of(4, 15), apart=2.0)
    voter = best_voter(posed, make_folds(posed.codes))
    assert voter.way is not None
    seen = seen_of(voter, posed.codes, np.ones(60, bool), 0.5)
    assert seen.accuracy > 0.8
    assert seen.right >= seen.accuracy
    assert seen.calibration_error < 0.15


def test_label_free_space_votes_where_it_knows_as_much() -> None:
    posed = problem(codes_of(4, 6), apart=0.5)
    free = one_hot(posed.codes, 4) + 0.02 * points(posed.codes, 0)[:, :4]
    free /= np.linalg.norm(free, axis=1, keepdims=True)
    voter = best_voter(replace(posed, free=free.astype(np.float32)), make_folds(posed.codes))
    assert voter.way is None


def test_nothing_has_a_value_where_nothing_is_near() -> None:
    posed = problem(codes_of(3, 8))
    voter = best_voter(posed, make_folds(posed.codes))
    seen = seen_of(voter, posed.codes, np.zeros(24, bool), 0.0)
    assert (seen.coverage, seen.right) == (0, 0)
    everything = seen_of(voter, posed.codes, np.ones(24, bool), 0.0)
    assert everything.coverage == 1
    assert everything.right == everything.accuracy
