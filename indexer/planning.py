"""Which FAISS index suits a segment: by how many vectors, how long, and what codes keep of them.

Few vectors are searched one by one, exactly. Of more, codes of a size are held against each other
on a sample: principal components suit vectors whose spread falls off, one bit a number (RaBitQ, Gao
and Long 2024) those that spread evenly. What a code confuses is ranked again by halves.
"""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from indexer.factory import make_empty
from indexer.spaces import Metric
from models.errors import one_of
from models.extraction import Vectors

Profile = Literal["small", "fast"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
FEWEST, FEWEST_NUMBERS = 20_000, 4_000_000
"""Up to so many vectors, or numbers in all of them, each search looks at every one."""
CODED: Metric = "l2"
"""What codes are compared by: unit vectors rank alike, whatever mean a code takes off."""
NEIGHBOURS = 10
"""Recall is measured on so many."""
_SAMPLE, _QUERIES = 20_000, 256
# Share of a float32 vector's bytes that all there is of it in memory may take, below and from so
# many numbers on; and what FAISS and a segment note for each vector besides its code.
_SHARE, _LONG_SHARE, _LONG, _NOTED = 0.12, 0.08, 128, 14
# More candidates than this are slower than longer codes.
_MOST_CANDIDATES = {"small": 200, "fast": 50}
_MOST_LISTS = 4096


def parse_profile(text: str) -> Profile:
    """Return ``text`` as a profile; raises UnknownNameError naming the known ones."""
    return one_of("profile", text, PROFILES)


def is_small(count: int, dimension: int) -> bool:
    """Return whether ``count`` vectors are searched one by one."""
    return count <= FEWEST or count * dimension <= FEWEST_NUMBERS


def lists_for(count: int) -> int:
    """Return into how many lists ``count`` vectors are sorted."""
    return min(_MOST_LISTS, int(4 * count**0.5))


def plans(
    profile: Profile, recall: float, count: int, metric: Metric, sample: Vectors
) -> Iterator[str]:
    """Yield factory strings, best first, for ``count`` vectors like those of (m, d) ``sample``.

    The last keeps so much of a vector that it reaches any recall.
    """
    dimension = sample.shape[1]
    lists = lists_for(count)
    codes = [*_codes(profile, dimension)]
    needed = _candidates_needed(codes, recall, metric, sample)
    best = min(range(len(codes)), key=needed.__getitem__, default=None)
    if best is not None and needed[best] <= _MOST_CANDIDATES[profile]:
        yield _with_lists(profile, codes[best], lists)
    yield _with_lists(profile, "SQ8" if profile == "small" else "Flat", lists)


def _codes(profile: Profile, dimension: int) -> Iterator[str]:
    """Yield the codes worth trying, without lists or a graph."""
    if profile == "fast":
        yield from (f"PCA{dimension // n},Flat" for n in (4, 2) if dimension // n >= 16)
        return
    share = _SHARE if dimension < _LONG else _LONG_SHARE
    room = int(share * 4 * dimension) - _NOTED
    kept = [(number, bits) for bits, number in ((8, room), (4, 2 * room)) if number >= 8]
    # FAISS computes in eights.
    for number, bits in kept:
        yield f"PCA{min(number, dimension, 128) // 8 * 8},SQ{bits}"
    yield "RaBitQ"


def _with_lists(profile: Profile, code: str, lists: int) -> str:
    """Return the factory string of ``code`` in inverted lists, or in a graph."""
    head, _, tail = code.rpartition(",")
    kind = f"IVF{lists},{tail}" if profile == "small" else "HNSW16,Flat"
    return f"{head},{kind}" if head else kind


def _candidates_needed(
    codes: list[str], recall: float, metric: Metric, sample: Vectors
) -> list[int]:
    """Return for each code how many candidates have to be ranked again to reach ``recall`` on the
    sample; more than there may be, if too many."""
    queries, base = sample[:_QUERIES], sample[_QUERIES : _QUERIES + _SAMPLE]
    truth = _searched("Flat", metric, base, queries, NEIGHBOURS)
    most = min(max(_MOST_CANDIDATES.values()) + 1, len(base))
    needed = []
    for code in codes:
        shares = recalls(_searched(code, CODED, base, queries, most), truth).mean(axis=0)
        needed.append(int(np.searchsorted(shares, recall)) + 1)
    return needed


def recalls(found: np.ndarray, truth: np.ndarray) -> Vectors:
    """Return (q, n): which share of (q, k) ``truth`` is among the first 1, 2, … n of ``found``."""
    hits = np.zeros(found.shape, np.float32)
    for column in truth.T:
        hits += found == column[:, None]
    shares: Vectors = np.cumsum(hits, axis=1) / truth.shape[1]
    return shares


def _searched(code: str, metric: Metric, base: Vectors, queries: Vectors, k: int) -> np.ndarray:
    index = make_empty(code, base.shape[1], metric, masked=False)
    index.train(base)
    index.add(base)
    rows: np.ndarray = index.search(queries, k)[1]
    return rows
