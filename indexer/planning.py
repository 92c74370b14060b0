"""Which FAISS index suits a segment: by how many vectors, how long, and what codes keep of them.

Few vectors are searched one by one, exactly. Of more, codes of several sizes are held against each
other on a sample: some principal components, a byte each, suit vectors whose spread falls off, one
bit a number (RaBitQ, Gao and Long 2024) those that spread evenly. They are sorted into lists, or
linked in a graph if searches are to be fast, and what a code confuses is ranked again by halves.
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
RECALLS: dict[Profile, float] = {"small": 0.97, "fast": 0.99}
"""Share of the nearest that a search is to find, if nothing is said."""
FEWEST, FEWEST_NUMBERS = 20_000, 4_000_000
"""Up to so many vectors, or numbers in all of them, each search looks at every one."""
CODED: Metric = "l2"
"""What codes are compared by: unit vectors rank alike, whatever mean a code takes off."""
NEIGHBOURS = 10
"""Recall is measured on so many."""
_SAMPLE, _QUERIES = 20_000, 256
# Share of a float32 vector's bytes that all there is of it in memory may take, below and from so
# many numbers on; and what FAISS and a segment note for each vector besides its code.
_LONG, _NOTED = 128, 13
_SHARE, _LONG_SHARE = 0.12, 0.08
_NUMBERS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
# A graph's links are longer than its codes: these may keep more.
_GRAPH_PARTS = (8, 4, 3, 2)
# More candidates than this are slower than longer codes.
_MOST_CANDIDATES = 200
# What ranking a candidate again costs, in numbers of codes looked at, and of how many lists a
# search looks at the codes, or how many steps it takes, about. All were measured.
NUMBERS_PER_CANDIDATE = 2500
_LISTS_READ, _STEPS_TAKEN = 64, 64
# What a code costs besides its numbers, in numbers.
_CODE, _NODE = 16, 100
# At a step through a graph so many codes are looked at.
_NODES = 12
# FAISS wants 39 vectors a list to train on.
_MOST_LISTS, _LEAST_IN_LIST = 4096, 45


def parse_profile(text: str) -> Profile:
    """Return ``text`` as a profile; raises UnknownNameError naming the known ones."""
    return one_of("profile", text, PROFILES)


def is_small(count: int, dimension: int) -> bool:
    """Return whether ``count`` vectors are searched one by one."""
    return count <= FEWEST or count * dimension <= FEWEST_NUMBERS


def lists_for(count: int) -> int:
    """Return into how many lists ``count`` vectors are sorted."""
    return min(_MOST_LISTS, int(4 * count**0.5), count // _LEAST_IN_LIST)


def plans(
    profile: Profile, recall: float, count: int, metric: Metric, sample: Vectors
) -> Iterator[str]:
    """Yield factory strings, best first, for ``count`` vectors like those of (m, d) ``sample``.

    The last keeps so much of a vector that it reaches any recall.
    """
    lists, small = lists_for(count), profile == "small"
    codes = dict(_codes(sample.shape[1], count) if small else _graph_codes(sample.shape[1]))
    needed = _candidates_needed(list(codes), recall, metric, sample)
    read = count / lists * _LISTS_READ if small else _STEPS_TAKEN
    each = one_code if small else one_step
    # The more vectors there are, the more of them lie between a query and its neighbours' codes.
    denser = (count / min(_SAMPLE, max(1, len(sample) - _QUERIES))) ** 0.5
    costs = {
        code: read * each(codes[code]) + few * denser * NUMBERS_PER_CANDIDATE
        for code, few in zip(codes, needed, strict=True)
        if few <= _MOST_CANDIDATES
    }
    if costs:
        best = min(costs, key=costs.__getitem__)
        yield _with_lists(best, lists) if small else best.replace(",", ",HNSW16,")
    yield f"IVF{lists},SQ8" if small else "HNSW16,Flat"


def one_code(numbers: int) -> int:
    """Return what looking at a code of a list costs, in numbers."""
    return numbers + _CODE


def one_step(numbers: int) -> int:
    """Return what a step through a graph of codes costs, in numbers."""
    return _NODES * (numbers + _NODE)


def _graph_codes(dimension: int) -> Iterator[tuple[str, int]]:
    """Yield the codes worth trying in a graph, and their numbers."""
    for number in (dimension // part // 8 * 8 for part in _GRAPH_PARTS):
        if number >= 16:
            yield f"PCA{number},Flat", number


def _codes(dimension: int, count: int) -> Iterator[tuple[str, int]]:
    """Yield the codes worth trying that fit into memory, and what each costs to look at, in
    numbers of a byte."""
    share = (_LONG_SHARE if dimension >= _LONG else _SHARE) * 4 * dimension - _NOTED
    # Principal axes and the centers of lists are shared by all vectors.
    shared, center = 4 * dimension * dimension / count, 4 * lists_for(count) / count
    for bits in (8, 4):
        for number in _NUMBERS:
            if number <= dimension and number * (bits / 8 + center) + shared <= share:
                yield f"PCA{number},SQ{bits}", number
    if dimension / 8 + 8 + dimension * center <= share:
        yield "RaBitQ", dimension


def _with_lists(code: str, lists: int) -> str:
    """Return the factory string of ``code`` in inverted lists."""
    head, _, tail = code.rpartition(",")
    return f"{head},IVF{lists},{tail}" if head else f"IVF{lists},{tail}"


def _candidates_needed(
    codes: list[str], recall: float, metric: Metric, sample: Vectors
) -> list[int]:
    """Return for each code how many candidates have to be ranked again to reach ``recall`` on the
    sample; more than there may be, if too many."""
    queries, base = sample[:_QUERIES], sample[_QUERIES : _QUERIES + _SAMPLE]
    truth = _searched("Flat", metric, base, queries, NEIGHBOURS)
    most = min(_MOST_CANDIDATES + 1, len(base))
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
