"""Made-up items: classes that lie apart in a few directions, under noise that is wider."""

import numpy as np

from models.extraction import PoolName
from service.learning.arrays import Codes, Doubles, scaled
from service.learning.problem import FREE, Problem
from service.learning.roots import Rooted, evened, make_basis, sets_of

GAP, FOREGROUND, DEEP = PoolName(1, "gap"), PoolName(1, "foreground"), PoolName(2, "gap")


def codes_of(classes: int, each: int) -> Codes:
    """Return ``each`` items of every class, class by class."""
    return np.repeat(np.arange(classes, dtype=np.int32), each)


def points(codes: Codes, seed: int, *, width: int = 12, apart: float = 4.0) -> Doubles:
    """Return (n, width) rows: classes ``apart`` in some directions of unit noise, and noise of 6
    in the first half of all directions."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(99).standard_normal((int(codes.max()) + 1, width))
    middles[:, : width // 2] = 0
    noise = random.standard_normal((len(codes), width))
    noise[:, : width // 2] *= 6
    return apart * middles[codes] + noise


def pools(codes: Codes, seed: int = 0, *, apart: float = 4.0) -> Rooted:
    """Return three pools of items with ``codes``."""
    return {
        pool: points(codes, seed + at, width=width, apart=apart)
        for at, (pool, width) in enumerate({GAP: 12, FOREGROUND: 12, DEEP: 20}.items())
    }


def problem(codes: Codes, others: int = 0, *, seed: int = 0, apart: float = 4.0) -> Problem:
    """Return a problem of items with ``codes``, and ``others`` without a label, as they come."""
    random = np.random.default_rng(seed)
    more = random.integers(0, int(codes.max()) + 1, others).astype(np.int32)
    found = pools(np.concatenate([codes, more]), seed, apart=apart)
    rows = np.arange(len(codes) + others)
    coordinates = {
        name: make_basis(found, members, rows).coordinates(found)
        for name, members in sets_of(found).items()
    }
    free = scaled(found[GAP]).astype(np.float32)
    return Problem({**coordinates, FREE: evened(free)}, codes, free[: len(codes)])
