"""Learning from pairs that are the same or different, and what speaks for what was learned.

Pairs that are the same make up chunklets, groups of items of one class whose name nobody knows
(Bar-Hillel et al. 2005, "Learning a Mahalanobis metric from equivalence constraints").
Discriminants take these as classes. What was learned is judged on pairs with an item that it has
not seen, by how often a pair that is the same is more alike than one that is different (the area
under the curve).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Metric
from models.extraction import Vectors
from service.evaluation.intervals import Interval

Rows = NDArray[np.int64]
Doubles = NDArray[np.float64]
Learn = Callable[[Rows, Rows], Vectors]
"""From (m,) rows of items and their (m,) codes to the (n, k) unit vectors of all items."""

MIN_PAIRS = 100
"""With fewer nothing was gained on the sets this was tried on."""
MAX_DIMENSIONS = 16
RIDGE = 1e-3
FOLDS = 5
RESAMPLES = 1000
_PERCENTILES = (5, 95)
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Pairs:
    """(n, 2) ``rows`` of the items of each pair, and (n,) whether they are the ``same``."""

    rows: Rows
    same: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Return those that are chosen, (n,)."""
        return Pairs(self.rows[chosen], self.same[chosen])


@dataclass(frozen=True)
class Chunklets:
    """(m,) ``rows`` of items that are the same as another, rising, and their (m,) ``codes``, from 0
    on without a gap; ``ignored`` pairs are the same, but others say that they are not."""

    rows: Rows
    codes: Rows
    ignored: int

    @property
    def count(self) -> int:
        return int(self.codes.max(initial=-1)) + 1


@dataclass(frozen=True)
class Verdict:
    """The area under the curve of held-out pairs ``before`` and ``after``, and the ``gain``, with
    90 % intervals; None if there is too little to learn from. ``refused`` says why what was learned
    must not be installed."""

    pairs: int
    same: int
    chunklets: int
    ignored: int
    before: Interval | None = None
    after: Interval | None = None
    gain: Interval | None = None
    refused: str | None = None


def chunklets(pairs: Pairs) -> Chunklets:
    """Return groups of items that pairs say are the same.

    Pairs join groups in their order; one that would join items that a pair says are different is
    ignored.
    """
    parent: dict[int, int] = {}
    apart: dict[int, set[int]] = defaultdict(set)

    def root(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for one, other in pairs.rows[~pairs.same].tolist():
        if one != other:
            apart[one].add(other)
            apart[other].add(one)
    ignored = 0
    for one, other in pairs.rows[pairs.same].tolist():
        kept, joined = sorted((root(one), root(other)), key=lambda item: -len(apart[item]))
        if joined in apart[kept]:
            ignored += 1
        elif kept != joined:
            parent[joined] = kept
            for foe in apart.pop(joined):
                apart[foe] = (apart[foe] - {joined}) | {kept}
                apart[kept].add(foe)
    return _numbered({item: root(item) for item in sorted(parent)}, ignored)


def judge(
    pairs: Pairs, before: Vectors, learn: Learn, metric: Metric = "cosine", seed: int = 0
) -> Verdict:
    """Return what held-out pairs say about ``learn``, beside the (n, d) vectors ``before``, which
    are compared by ``metric``."""
    found = chunklets(pairs)
    verdict = Verdict(len(pairs), int(pairs.same.sum()), found.count, found.ignored)
    if reason := _too_little(verdict):
        return _refused(verdict, reason)
    folds = list(_folds(pairs, seed))
    tested = []
    for train, test in folds:
        groups = chunklets(pairs.part(train))
        held = pairs.part(test)
        if groups.count < 2 or held.same.all() or not held.same.any():
            continue
        after = learn(groups.rows, groups.codes)
        tested.append((held, _alike(before, held, metric), _alike(after, held, "cosine")))
    if not tested:
        return _refused(verdict, "the pairs hang together too closely to hold some of them out")
    areas = _areas(tested, len(before), seed)
    values = np.stack([areas[0], areas[1], areas[1] - areas[0]])
    old, new, gain = (_interval(row) for row in values)
    verdict = Verdict(*(verdict.pairs, verdict.same, verdict.chunklets, verdict.ignored),
                      before=old, after=new, gain=gain)  # fmt: skip
    reason = None
    if new.low <= 0.5:
        reason = f"held-out pairs are told apart no better than by chance: {_shown(new, '')}"
    elif gain.low <= 0:
        reason = f"held-out pairs do not show that it is better: {_shown(gain, '+')}"
    return _refused(verdict, reason) if reason else verdict


def _shown(area: Interval, sign: str) -> str:
    values = (f"{one:{sign}.3f}" for one in (area.value, area.low, area.high))
    return "an area under the curve of {} [{}, {}]".format(*values)


def area(pairs: Pairs, vectors: Vectors, metric: Metric) -> float:
    """Return the area under the curve of all pairs; a half if they are all of one kind."""
    different = len(pairs) - pairs.same.sum()
    total = float(pairs.same.sum() * different)
    wins = _wins(_alike(vectors, pairs, metric), pairs.same, np.ones((1, len(pairs))))
    return float(wins[0]) / total if total else 0.5


def _too_little(verdict: Verdict) -> str | None:
    different = verdict.pairs - verdict.same
    if verdict.pairs < MIN_PAIRS:
        return f"{verdict.pairs} pairs can be used: expected at least {MIN_PAIRS}"
    if not verdict.same or not different:
        which = "same" if verdict.same else "different"
        return f"all {verdict.pairs} pairs are {which}: expected some of both"
    if verdict.chunklets < 2:
        return f"all items that are the same as another are of one group, by {verdict.same} pairs"
    return None


def _refused(verdict: Verdict, reason: str) -> Verdict:
    values = {name: getattr(verdict, name) for name in Verdict.__dataclass_fields__}
    return Verdict(**{**values, "refused": reason})


def _numbered(groups: dict[int, int], ignored: int) -> Chunklets:
    members: dict[int, list[int]] = defaultdict(list)
    for item, group in groups.items():
        members[group].append(item)
    several = [items for items in members.values() if len(items) > 1]
    coded = sorted((item, code) for code, items in enumerate(several) for item in items)
    table = np.array(coded, np.int64).reshape(-1, 2)
    return Chunklets(table[:, 0], table[:, 1], ignored)


def _folds(pairs: Pairs, seed: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield (n,) which pairs to learn from and which are held out: those with an item that none of
    the former has."""
    items = np.unique(pairs.rows)
    fold = np.random.default_rng(seed).permutation(len(items)) % FOLDS
    of_pair = fold[np.searchsorted(items, pairs.rows)]
    for at in range(FOLDS):
        test = (of_pair == at).any(axis=1)
        yield ~test, test


def _alike(vectors: Vectors, pairs: Pairs, metric: Metric) -> Doubles:
    """Return (n,) similarities of pairs."""
    one, other = (vectors[pairs.rows[:, side]].astype(np.float64) for side in (0, 1))
    if metric == "cosine":
        return np.asarray((one * other).sum(axis=1))
    return np.asarray(-np.linalg.norm(one - other, axis=1))


def _areas(tested: list[tuple[Pairs, Doubles, Doubles]], items: int, seed: int) -> Doubles:
    """Return (2, 1 + resamples) areas before and after: of all, then of resamples.

    Queries are drawn anew with all their pairs, since those of one query are alike.
    """
    asked = np.unique(np.concatenate([held.rows[:, 0] for held, _, _ in tested]))
    random = np.random.default_rng(seed)
    draws = np.ones((1 + RESAMPLES, len(asked)))
    for at in range(1, 1 + RESAMPLES):
        draws[at] = np.bincount(random.integers(0, len(asked), len(asked)), minlength=len(asked))
    wins, total = np.zeros((2, 1 + RESAMPLES)), np.zeros(1 + RESAMPLES)
    for held, *similarities in tested:
        queries = np.searchsorted(asked, held.rows[:, 0])
        step = max(_AT_ONCE // len(held), 1)
        for start in range(0, len(draws), step):
            weights, part = draws[start : start + step, queries], slice(start, start + step)
            total[part] += weights[:, held.same].sum(axis=1) * weights[:, ~held.same].sum(axis=1)
            for at, values in enumerate(similarities):
                wins[at, part] += _wins(values, held.same, weights)
    found = np.full_like(wins, np.nan)  # a resample may have pairs of one kind only
    np.divide(wins, total, out=found, where=np.broadcast_to(total > 0, wins.shape))
    return found


def _wins(values: Doubles, same: NDArray[np.bool_], weights: Doubles) -> Doubles:
    """Return (r,) weights of pairs of pairs whose same one is more alike; equal ones count half."""
    order = np.argsort(values)
    _, starts = np.unique(values[order], return_index=True)
    ordered, is_same = weights[:, order], same[order]
    of_same = np.add.reduceat(ordered * is_same, starts, axis=1)
    of_others = np.add.reduceat(ordered * ~is_same, starts, axis=1)
    below = np.cumsum(of_others, axis=1) - of_others / 2
    return np.asarray((of_same * below).sum(axis=1))


def _interval(values: Doubles) -> Interval:
    """Return the first of ``values`` with the bounds of the middle 90 % of the others."""
    low, high = np.nanpercentile(values[1:], _PERCENTILES)
    value = float(values[0])
    return Interval(value, min(float(low), value), max(float(high), value))
