"""Samples of large catalogs."""

import numpy as np

from service.learning.sampling import even_sample, plain_sample


def test_small_classes_are_kept_whole() -> None:
    codes = np.repeat(np.arange(3, dtype=np.int32), [500, 4, 30])
    rows = even_sample(codes, 80, np.random.default_rng(0))
    assert np.bincount(codes[rows]).tolist() == [46, 4, 30]
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_few_are_all_taken() -> None:
    random = np.random.default_rng(0)
    assert even_sample(np.zeros(5, np.int32), 5, random).tolist() == [0, 1, 2, 3, 4]
    assert plain_sample(5, 9, random).tolist() == [0, 1, 2, 3, 4]
    assert len(set(plain_sample(50, 9, random).tolist())) == 9
