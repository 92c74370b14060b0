"""Values for items without a label: where their neighbours agree, how sure that is, and where
nothing can be said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from indexer.records import Item
from indexer.spaces import Slots, iterate, similarities
from indexer.store import CatalogStore
from models.extraction import Vectors
from service.evaluation.evaluating import vectors_of
from service.learning.arrays import Doubles, one_hot
from service.learning.calibration import SET, Seen, best_voter, near_in, seen_of
from service.learning.fitting import Options, Subject, pose, subject_of, with_root_of
from service.learning.folds import make_folds
from service.learning.labels import Labels, slots_of
from service.learning.lda import Projection
from service.learning.neighbours import nearest
from service.learning.roots import rooted

# Whoever is farther from all labelled items than all but this share of them are from each other is
# of a kind that nobody has labelled.
_FAR = 0.03


@dataclass(frozen=True)
class Tag:
    """What an item gets: ``value`` is None where nothing can be said, ``confidence`` the
    probability of the likeliest value."""

    item: Item
    value: str | None
    confidence: float


@dataclass(frozen=True)
class Tagged:
    """A tag for each item without a label, in order of key; the space that votes, and what is to
    be expected by how held-out labels fared."""

    tags: tuple[Tag, ...]
    space: str
    seen: Seen


def subject_in(
    store: CatalogStore, labels: Labels, column: str, attribute: str | None, seed: int
) -> Subject:
    """Return what voters are chosen by: the pools that ``attribute`` is made of, and what is
    label-free in it; or else all pools, and the label-free space of ``column``.

    Raises UnknownNameError if the index has no such attribute.
    """
    subject = subject_of(store, labels, attribute or column, Options(seed=seed))
    if attribute is None:
        return subject
    return replace(subject, pools=store.manifest.space_of_attribute(attribute).pools)


def tag(
    store: CatalogStore, labels: Labels, subject: Subject, threshold: float, seed: int
) -> Tagged:
    """Return values for the items without a label by their ten nearest labelled neighbours.

    The space is the label-free one or one learned from the labels, whichever makes labels that
    are held out likelier. Items without a confidence of ``threshold`` get none, and neither do
    those far from everything labelled, in the label-free space: what is learned tells classes
    apart, not what belongs to none.
    """
    with_root = with_root_of(store, subject.pools)
    problem, bases, free = pose(store, subject, {SET: subject.pools}, with_root, seed)
    voter = best_voter(problem, make_folds(problem.codes, seed))
    own = nearest(problem.free, problem.free, problem.metric, same=True)
    limit = float(np.quantile(own, _FAR))
    shares = one_hot(problem.codes, problem.classes)
    everyone = np.arange(len(problem.codes))
    learned: Projection | None = None
    if voter.way is not None:
        [learned] = voter.way.train(problem, everyone, np.zeros(0, np.int64))
    known = problem.coordinates[SET][: len(everyone)]

    def near(slots: Slots, vectors: Vectors) -> Doubles:
        if learned is None:
            return similarities(vectors, problem.free, problem.metric).astype(np.float64)
        raw = rooted(store.pools(slots, list(subject.pools)), with_root)
        return near_in(learned, bases[SET].coordinates(raw), known)

    def tags() -> Iterator[Tag]:
        at = 0
        for slots in iterate(slots_of(labels.others)):
            vectors = vectors_of(store, free, slots)
            told = voter.probabilities(near(slots, vectors), shares)
            far = nearest(vectors, problem.free, problem.metric) < limit
            for row, best in enumerate(told.argmax(axis=1)):
                sure = float(told[row, best])
                says = not far[row] and sure >= threshold
                yield Tag(labels.others[at], labels.classes[best] if says else None, sure)
                at += 1

    name = free.name if voter.way is None else f"learned, ridge {voter.way.ridges[0]:g}"
    seen = seen_of(voter, problem.codes, own >= limit, threshold)
    return Tagged(tuple(tags()), name, seen)
