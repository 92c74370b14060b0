"""Which items of a large catalog are looked at."""

import numpy as np

from service.learning.arrays import Codes, Rows

MAX_LABELLED, MAX_UNLABELLED, MAX_OF_BASIS = 3_000, 2_000, 2_000


def even_sample(codes: Codes, most: int, random: np.random.Generator) -> Rows:
    """Return up to ``most`` rows of (n,) ``codes``, rising, taken from the largest classes last."""
    if len(codes) <= most:
        return np.arange(len(codes))
    order = random.permutation(len(codes))
    rank = np.empty(len(codes), np.int64)
    for code in range(int(codes.max()) + 1):
        mine = order[codes[order] == code]
        rank[mine] = np.arange(len(mine))
    # Everyone's first examples before anyone's second.
    return np.sort(order[np.argsort(rank[order], kind="stable")[:most]])


def plain_sample(count: int, most: int, random: np.random.Generator) -> Rows:
    """Return up to ``most`` of ``count`` rows, rising."""
    if count <= most:
        return np.arange(count)
    return np.sort(random.choice(count, most, replace=False))
