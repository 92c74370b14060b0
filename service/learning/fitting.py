"""An attribute learned: from an index and labels to a projection of raw pools and what speaks for
it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.manifest import Manifest
from indexer.spaces import Slots, Space
from indexer.store import CatalogStore
from models.backbones import BLOCKS, get_backbone
from models.errors import BlockError, UnknownNameError
from models.extraction import PoolName, Vectors
from service.evaluation.evaluating import vectors_of, with_statistics
from service.learning.arrays import Codes
from service.learning.choosing import Search, Tick, score_free, search
from service.learning.folds import make_folds
from service.learning.free import free_spaces
from service.learning.gates import Verdict, judge
from service.learning.labels import Labels, slots_of
from service.learning.problem import FREE, Problem
from service.learning.roots import Basis, evened, make_basis, rooted, sets_of
from service.learning.sampling import (
    MAX_LABELLED,
    MAX_OF_BASIS,
    MAX_UNLABELLED,
    even_sample,
    plain_sample,
)


@dataclass(frozen=True)
class Options:
    """How to learn: from pools of ``blocks`` alone, if any are named, by ``method``; ``seed`` is
    that of everything drawn at random."""

    blocks: tuple[int, ...] = ()
    method: str = "lda"
    seed: int = 0


@dataclass(frozen=True)
class Subject:
    """What a problem is made of: (n,) slots and codes of labelled items, (m,) slots of others, and
    the label-free spaces to hold against."""

    slots: Slots
    codes: Codes
    others: Slots
    free: tuple[Space, ...]
    pools: tuple[PoolName, ...]


@dataclass(frozen=True)
class Fitted:
    """A learned attribute: rooted ``pools`` side by side, minus ``shift`` (d,), times ``matrix``
    (d, k), beside a share ``mix`` of the space ``free``."""

    pools: tuple[PoolName, ...]
    with_root: frozenset[PoolName]
    shift: Vectors
    matrix: Vectors
    mix: float
    free: Space
    search: Search
    verdict: Verdict
    labelled: int
    unlabelled: int


def subject_of(store: CatalogStore, labels: Labels, attribute: str, options: Options) -> Subject:
    """Return a sample of the items to learn from; raises BlockError for a block that is not
    stored."""
    manifest = store.manifest
    pools = check_blocks(manifest, options.blocks)
    random = np.random.default_rng(options.seed)
    rows = even_sample(labels.codes, MAX_LABELLED, random)
    others = slots_of(labels.others)
    return Subject(
        slots_of(labels.items)[rows],
        labels.codes[rows],
        others[plain_sample(len(others), MAX_UNLABELLED, random)],
        tuple(free_spaces(manifest, attribute)),
        pools,
    )


def check_blocks(manifest: Manifest, blocks: Sequence[int]) -> tuple[PoolName, ...]:
    """Return the pools of ``blocks``, or all if none are named; raises BlockError for a block that
    is not stored."""
    for block in blocks:
        if block not in manifest.blocks:
            stored = ", ".join(map(str, manifest.blocks))
            raise BlockError(f"block {block} is not in this index: it stores blocks {stored}")
    wanted = blocks or manifest.blocks
    return tuple(pool for pool in manifest.pools if pool.block in wanted)


def fit(
    store: CatalogStore,
    subject: Subject,
    options: Options,
    tick: Tick = lambda done, total: None,
) -> Fitted:
    """Return what is learned best from ``subject``, and the verdict on it.

    Everything tried is judged on labels held out; unlabelled items, and the pools of those held
    out, take part without a label.
    """
    with_root = with_root_of(store, subject.pools)
    problem, bases, free = pose(store, subject, sets_of(subject.pools), with_root, options.seed)
    found = search(problem, options.method, options.seed, tick)
    verdict = judge(found, options.seed)
    way = found.best.way
    [projection] = way.train(problem, np.arange(len(subject.codes)), np.zeros(0, np.int64))
    basis = bases[way.name]
    shift, matrix = basis.linear(projection.matrix, projection.middle)
    return Fitted(
        basis.pools,
        with_root & frozenset(basis.pools),
        shift,
        matrix,
        found.best.mix,
        free,
        found,
        verdict,
        len(subject.codes),
        len(subject.others),
    )


def with_root_of(store: CatalogStore, pools: Sequence[PoolName]) -> frozenset[PoolName]:
    """Return those of ``pools`` that are never negative: a root evens them out."""
    try:
        taps: Sequence[bool] = get_backbone(store.manifest.recipe.backbone).rectified
    except UnknownNameError:  # of a later release, or of nobody's
        taps = [True] * len(BLOCKS)
    return frozenset(pool for pool in pools if taps[pool.block - 1])


def pose(
    store: CatalogStore,
    subject: Subject,
    sets: Mapping[str, tuple[PoolName, ...]],
    with_root: frozenset[PoolName],
    seed: int,
) -> tuple[Problem, dict[str, Basis], Space]:
    """Return the problem, the basis of each of the ``sets`` of pools, and the label-free space held
    against: of several the one that fares best."""
    slots = np.concatenate([subject.slots, subject.others])
    found = rooted(store.pools(slots, list(subject.pools)), with_root)
    rows = plain_sample(len(slots), MAX_OF_BASIS, np.random.default_rng(seed))
    bases = {name: make_basis(found, pools, rows) for name, pools in sets.items()}
    coordinates = {name: basis.coordinates(found) for name, basis in bases.items()}
    folds = make_folds(subject.codes, seed)
    posed = []
    for space in subject.free:
        ready = with_statistics(store, space, slots)
        vectors = vectors_of(store, ready, slots)
        known = vectors[: len(subject.slots)]
        problem = Problem(
            {**coordinates, FREE: evened(vectors)}, subject.codes, known, ready.metric
        )
        score = score_free(problem, folds).map if len(subject.free) > 1 else 0.0
        posed.append((score, problem, replace(ready, name=space.name)))
    _, problem, free = max(posed, key=lambda one: one[0])
    return problem, bases, free
