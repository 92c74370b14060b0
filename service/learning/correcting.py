"""An attribute learned from pairs that people judged, beside what it searches in already."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from indexer.branches import unit
from indexer.manifest import Manifest
from indexer.spaces import Space
from indexer.store import CatalogStore
from models.extraction import PoolName, Vectors
from service.evaluation.evaluating import with_statistics
from service.judged import Judged, gather
from service.learning.arrays import Doubles, one_hot
from service.learning.choosing import Tick
from service.learning.fitting import Options, check_blocks, with_root_of
from service.learning.free import free_spaces
from service.learning.installing import JUDGED
from service.learning.lda import Projection, discriminants, scatter
from service.learning.pairs import (
    MAX_DIMENSIONS,
    RIDGE,
    Pairs,
    Rows,
    Verdict,
    area,
    chunklets,
    judge,
)
from service.learning.roots import make_basis, rooted
from service.learning.sampling import MAX_OF_BASIS, plain_sample

MIXES = (0.0, 0.3, 0.5)
"""Shares of the space before that are tried beside what was learned."""


@dataclass(frozen=True)
class Corrected:
    """A learned attribute: rooted ``pools`` side by side, minus ``shift`` (d,), times ``matrix``
    (d, k), beside a share ``mix`` of the space ``free`` that it searched in before."""

    pools: tuple[PoolName, ...]
    with_root: frozenset[PoolName]
    shift: Vectors
    matrix: Vectors
    mix: float
    free: Space


@dataclass(frozen=True)
class CorrectionResult:
    """What a fit from judgements came to. ``gone`` judgements could not be used, ``installed`` is
    whether the attribute searches in ``space`` now, ``space_before`` where it did."""

    attribute: str
    pairs: int
    same: int
    gone: int
    chunklets: int
    ignored: int
    before: str
    mix: float
    dimension: int
    dimension_before: int
    verdict: Verdict
    installed: bool = False
    space: str | None = None
    space_before: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return this as JSON holds it."""
        return asdict(self)


def correct(
    store: CatalogStore, attribute: str, options: Options, tick: Tick = lambda done, total: None
) -> tuple[Corrected | None, CorrectionResult]:
    """Return what judgements of an attribute teach, None if they are too few, and what speaks for
    it. Raises FeedbackError if there are none, BlockError for a block that is not stored."""
    from threadpoolctl import threadpool_limits

    manifest = store.manifest
    pools = check_blocks(manifest, options.blocks)
    judged = gather(store, attribute)
    sample = _sample(store, options.seed)
    base, before = _base(store, attribute, judged, sample)
    with_root = with_root_of(store, pools)
    found = rooted({name: judged.pools[name] for name in pools}, with_root)
    others = rooted(store.pools(sample, list(pools)), with_root)
    every = {name: np.concatenate([found[name], others[name]]) for name in pools}
    count = len(next(iter(every.values())))
    rows = plain_sample(count, MAX_OF_BASIS, np.random.default_rng(options.seed))
    with threadpool_limits(1, user_api="blas"):
        basis = make_basis(every, pools, rows)
        points = basis.coordinates(found)
        tried = []
        mixes = _mixes(base)
        for done, mix in enumerate(mixes, start=1):
            learn = _Learner(points, before, mix)
            tried.append((mix, judge(judged.pairs, before, learn, base.metric, options.seed)))
            tick(done, len(mixes))
        mix, verdict = max(tried, key=lambda one: one[1].after.value if one[1].after else 0.0)
        result = _result(attribute, judged, base, mix, verdict, manifest)
        if verdict.after is None:
            return None, result
        groups = chunklets(judged.pairs)
        projection = learned(points, groups.rows, groups.codes)
    shift, matrix = basis.linear(projection.matrix, projection.middle)
    beside = result.dimension_before if mix else 0
    result = replace(result, dimension=matrix.shape[1] + beside)
    rooted_pools = with_root & frozenset(basis.pools)
    return Corrected(basis.pools, rooted_pools, shift, matrix, mix, base), result


def learned(points: Doubles, rows: Rows, codes: Rows) -> Projection:
    """Return the projection of (n, r) points to the discriminants of chunklets, the first few."""
    shares = one_hot(codes.astype(np.int32), int(codes.max()) + 1)
    found = discriminants(scatter(points[rows], shares), RIDGE)
    kept = slice(None), slice(None, MAX_DIMENSIONS)
    return Projection(found.matrix[kept], found.middle, found.centres[kept])


@dataclass(frozen=True)
class _Learner:
    """Learns from chunklets of ``points`` (n, r), beside a share ``mix`` of (n, d) ``before``."""

    points: Doubles
    before: Vectors
    mix: float

    def __call__(self, rows: Rows, codes: Rows) -> Vectors:
        alone = unit(learned(self.points, rows, codes)(self.points).astype(np.float32))
        if not self.mix:
            return alone
        parts = [(1 - self.mix) ** 0.5 * alone, self.mix**0.5 * self.before]
        return np.concatenate(parts, axis=1).astype(np.float32)


def _mixes(base: Space) -> tuple[float, ...]:
    if base.metric != "cosine":
        return MIXES[:1]
    has_labels = any(branch.method == "learned" for branch in base.branches)
    return MIXES[1:] if has_labels else MIXES  # what labels taught is not to be lost


def _sample(store: CatalogStore, seed: int) -> Rows:
    slots = np.array([item.slot for item in store.items()], np.int64)
    return np.sort(slots[plain_sample(len(slots), MAX_OF_BASIS, np.random.default_rng(seed))])


def _base(
    store: CatalogStore, attribute: str, judged: Judged, sample: Rows
) -> tuple[Space, Vectors]:
    """Return the space to hold against, of several the one that agrees best with the judgements,
    and the (n, d) vectors that the judged pictures have in it."""
    found = []
    for space in _spaces(store.manifest, attribute):
        ready = with_statistics(store, space, sample)
        vectors = ready.transform(judged.pools)
        found.append((area(judged.pairs, vectors, ready.metric), ready, vectors))
    _, space, vectors = max(found, key=lambda one: one[0])
    return space, vectors


def _spaces(manifest: Manifest, attribute: str) -> list[Space]:
    """Return what an attribute searches in but for what judgements taught before: those would be
    held against themselves."""
    now = manifest.attributes.get(attribute)
    if now is None:
        return free_spaces(manifest, attribute)
    space = manifest.spaces[now]
    if not now.startswith(JUDGED):
        return [space]
    kept = space.branches[1:]
    if kept:
        return [replace(space, name=f"{space.name}-before", branches=kept)]
    return free_spaces(manifest, attribute)


def _result(
    attribute: str,
    judged: Judged,
    base: Space,
    mix: float,
    verdict: Verdict,
    manifest: Manifest,
) -> CorrectionResult:
    pairs: Pairs = judged.pairs
    width = base.dimension(manifest.pools)
    return CorrectionResult(
        attribute=attribute,
        pairs=len(pairs),
        same=int(pairs.same.sum()),
        gone=judged.gone,
        chunklets=verdict.chunklets,
        ignored=verdict.ignored,
        before=base.name,
        mix=mix,
        dimension=width,
        dimension_before=width,
        verdict=verdict,
        space_before=manifest.attributes.get(attribute),
    )
