"""Vectors newer than the segments: appended, and never changed under who holds them."""

import numpy as np

from indexer.delta import Delta

RANDOM = np.random.default_rng(0)


def rows(count: int) -> np.ndarray:
    return RANDOM.random((count, 3)).astype(np.float32)


def test_it_begins_empty() -> None:
    vectors, slots = Delta().found
    assert (len(vectors), len(slots)) == (0, 0)


def test_it_holds_what_was_appended_in_order_however_much_it_is() -> None:
    delta, parts = Delta(), [rows(n) for n in (1, 63, 1, 200, 5)]
    at = 0
    for part in parts:
        delta.append(np.arange(at, at + len(part)), part)
        at += len(part)
    vectors, slots = delta.found
    np.testing.assert_array_equal(vectors, np.concatenate(parts))
    np.testing.assert_array_equal(slots, np.arange(270))


def test_what_was_lent_out_stays_as_it_was() -> None:
    delta, first = Delta(), rows(2)
    delta.append(np.array([3, 5]), first)
    lent = delta.found
    for n in range(100):
        delta.append(np.array([6 + n]), rows(1))
    np.testing.assert_array_equal(lent[0], first)
    assert lent[1].tolist() == [3, 5]


def test_nothing_is_appended_by_an_empty_batch() -> None:
    delta = Delta()
    delta.append(np.empty(0, np.int64), np.empty((0, 3), np.float32))
    assert len(delta.found[0]) == 0
