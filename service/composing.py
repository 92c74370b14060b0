"""Composed search: the items that answer several terms best, and whether that is certain.

Few items, or those of a Flat index, are all looked at. Else each term that attracts gives a list of
candidates, best first, and every candidate is scored exactly in all terms. What is in no list can
be no better than the ends of the lists together: once the best found are, they are the best there
are (the threshold algorithm, Fagin, Lotem and Naor 2001). Until then the lists grow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.spaces import Slots, Space, similarities
from indexer.store import View
from models.extraction import Vectors
from service.query import Subject
from service.scores import Floats, Scale, Tails, combine, total_scores

_FIRST, _GROWTH, _LONGEST = 1000, 4, 100_000
# From this many items on most are ruled out by bounds before the rest is scored exactly.
_MANY = 20_000


@dataclass(frozen=True)
class Part:
    """A term made ready: what it compares in, its (d,) vector, how much it counts."""

    subject: Subject
    space: Space
    vector: Vectors
    weight: float


@dataclass(frozen=True)
class Ranking:
    """Items, best first: slots (k,), their score (k,), and similarities and scores a term."""

    slots: Slots
    scores: Tails
    similarities: Sequence[Vectors]
    term_scores: Sequence[Floats]
    exact: bool

    def first(self, count: int) -> "Ranking":
        """Return the best ``count`` of it."""
        return Ranking(
            self.slots[:count],
            self.scores[:count],
            [one[:count] for one in self.similarities],
            [one[:count] for one in self.term_scores],
            self.exact,
        )


def rank_items(view: View, parts: Sequence[Part], limit: int) -> Ranking:
    """Return the ``limit`` items of ``view`` that answer ``parts`` best."""
    scales = [_scale(view, part) for part in parts]
    if len(parts) == 1:
        matches = view.search(parts[0].space, parts[0].vector[None], limit)[0]
        return _ranking(parts, scales, matches.slots, [matches.similarities], matches.exact)
    whole = view.scan([(part.space, part.vector) for part in parts])
    if whole is not None:
        slots, found = _best(parts, scales, whole.slots, whole.similarities, limit)
        return _ranking(parts, scales, slots, found, exact=True)
    return _by_threshold(view, parts, scales, limit)


def score_items(view: View, parts: Sequence[Part], slots: Slots) -> Ranking:
    """Return ``slots``, in this order, with how well they answer ``parts``."""
    scales = [_scale(view, part) for part in parts]
    found = [
        similarities(part.vector[None], view.vectors(part.space, slots), part.space.metric)[0]
        for part in parts
    ]
    return _ranking(parts, scales, slots, found, exact=True)


def _by_threshold(
    view: View, parts: Sequence[Part], scales: Sequence[Scale], limit: int
) -> Ranking:
    weights = [part.weight for part in parts]
    attracting = [at for at, part in enumerate(parts) if part.weight > 0]
    length = max(_FIRST, _GROWTH * limit)
    pool = _Candidates(view, parts)
    while True:
        # Nothing repels less than what all are at least as alike as.
        ends: list[Floats] = [np.ones(1) for _ in parts]
        exact, drained = True, False
        for at in attracting:
            part = parts[at]
            matches = view.search(part.space, part.vector[None], length)[0]
            pool.add(matches.slots)
            exact = exact and matches.exact
            # A list that ends early has named all there is.
            drained = drained or (exact and len(matches.slots) < min(length, view.count))
            drained = drained or len(matches.slots) == view.count
            if len(matches.slots):
                ends[at] = scales[at].tails(matches.similarities[-1:])
        slots, found = _best(parts, scales, pool.slots, pool.similarities, limit)
        ranking = _ranking(parts, scales, slots, found, exact)
        threshold = total_scores(combine(ends, weights), weights)
        certain = len(slots) == limit and ranking.scores[-1] >= threshold[0]
        if certain or drained:
            return ranking
        if length >= min(_LONGEST, view.count):
            return _ranking(parts, scales, slots, found, exact=False)
        length *= _GROWTH


class _Candidates:
    """Slots seen so far, rising, and their exact similarities in every term."""

    def __init__(self, view: View, parts: Sequence[Part]) -> None:
        self._view, self._parts = view, parts
        self.slots: Slots = np.empty(0, np.int64)
        self.similarities: list[Vectors] = [np.empty(0, np.float32) for _ in parts]

    def add(self, slots: Slots) -> None:
        new = np.setdiff1d(slots, self.slots)
        merged = np.concatenate([self.slots, new])
        order = np.argsort(merged, kind="stable")
        self.slots = merged[order]
        for at, part in enumerate(self._parts):
            vectors = self._view.vectors(part.space, new)
            values = similarities(part.vector[None], vectors, part.space.metric)[0]
            self.similarities[at] = np.concatenate([self.similarities[at], values])[order]


def _best(
    parts: Sequence[Part],
    scales: Sequence[Scale],
    slots: Slots,
    found: Sequence[Vectors],
    limit: int,
) -> tuple[Slots, list[Vectors]]:
    """Return slots and similarities of the best ``limit``, in order; ties go to the lower slot."""
    found = list(found)
    weights = [part.weight for part in parts]
    if len(slots) > max(_MANY, 4 * limit):
        kept = _promising(scales, found, weights, limit)
        slots, found = slots[kept], [one[kept] for one in found]
    tails = [scale.tails(one) for scale, one in zip(scales, found, strict=True)]
    order = np.lexsort((slots, -combine(tails, weights)))[:limit]
    return slots[order], [one[order] for one in found]


def _promising(
    scales: Sequence[Scale], found: Sequence[Vectors], weights: Sequence[float], limit: int
) -> Slots:
    """Return places of all that may be among the best ``limit``, by bounds of their evidence."""
    bounds = [scale.bounds(one) for scale, one in zip(scales, found, strict=True)]
    pairs = list(zip(bounds, weights, strict=True))
    # A small tail attracts, and repels from what pushes away.
    low = combine([most if weight > 0 else least for (least, most), weight in pairs], weights)
    high = combine([least if weight > 0 else most for (least, most), weight in pairs], weights)
    bar = np.partition(low, len(low) - limit)[len(low) - limit]
    return np.flatnonzero(high >= bar - np.float32(1e-4))


def _ranking(
    parts: Sequence[Part],
    scales: Sequence[Scale],
    slots: Slots,
    found: Sequence[Vectors],
    exact: bool,
) -> Ranking:
    weights = [part.weight for part in parts]
    tails = [scale.tails(one) for scale, one in zip(scales, found, strict=True)]
    term_scores: list[Floats] = [1 - one for one in tails]
    # One term is its own score, to the last bit.
    scores = term_scores[0] if len(parts) == 1 else total_scores(combine(tails, weights), weights)
    return Ranking(slots, scores, found, term_scores, exact)


def _scale(view: View, part: Part) -> Scale:
    sample = similarities(part.vector[None], view.reference(part.space), part.space.metric)[0]
    return Scale(sample, part.space.metric)
