"""Making segments: of an index type that was named, or of one chosen and tuned."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from indexer.factory import METRICS, innermost, make_empty
from indexer.half import Halves, room_for
from indexer.planning import CODED, NEIGHBOURS, Profile, is_small, lists_for, plans
from indexer.segments import Segment
from indexer.spaces import Metric, Slots
from indexer.tuning import Tuning, tune
from models.extraction import Vectors

log = logging.getLogger(__name__)

# FAISS wants some tens of points a centroid; more only slows training down.
_TRAINING_POINTS = 100_000
_POINTS_PER_LIST = 40
# So many vectors are held out to measure recall by; they are added when that is done.
_HELD_OUT = 2000
# Half of what FAISS takes for a graph, and hardly worse.
_CONSTRUCTION = 100
Read = Callable[[Slots], Iterable[tuple[Slots, Vectors]]]
"""Reads the vectors of slots in runs."""


@dataclass(frozen=True)
class Wanted:
    """What segments are to be like that nobody named an index type for."""

    profile: Profile
    recall: float


def build_segment(
    index_type: str,
    metric: Metric,
    dimension: int,
    batches: Iterable[tuple[Slots, Vectors]],
    sample: Callable[[int], Vectors],
) -> Segment:
    """Return a segment of all ``batches``, (slots, (n, d) vectors) each, held once in memory.

    ``sample`` gives so many of the vectors, or all, to train on. Too few to train ``index_type``
    are too few to need it: they get a flat segment.
    """
    index = make_empty(index_type, dimension, metric)
    if not index.is_trained and not _train(index, sample(_TRAINING_POINTS)):
        log.warning("too few vectors to train %s: searching them one by one", index_type)
        index = make_empty("Flat", dimension, metric)
    held = [np.empty(0, np.int64)]
    for slots, vectors in batches:
        index.add(vectors)
        held.append(slots)
    return Segment(index, np.concatenate(held), metric)


def build_tuned(
    wanted: Wanted,
    metric: Metric,
    dimension: int,
    slots: Slots,
    read: Read,
    sample: Callable[[Slots, int], Vectors],
    folder: Path,
) -> Segment:
    """Return a segment of ``slots``, of the kind that suits as many, tuned as ``wanted``.

    ``sample`` gives so many vectors of some slots, or all. Halves are put aside in ``folder``.
    """
    if is_small(len(slots), dimension):
        made = build_segment("Flat", metric, dimension, read(slots), lambda size: sample(slots, 0))
        made.tuning = Tuning("Flat", 0, 0, 1.0)
        return made
    held = np.sort(np.random.default_rng(0).choice(slots, _HELD_OUT, replace=False))
    others = np.setdiff1d(slots, held, assume_unique=True)
    points = sample(others, max(_TRAINING_POINTS, lists_for(len(slots)) * _POINTS_PER_LIST))
    queries = sample(held, _HELD_OUT)
    parts = _Parts(metric, dimension, others, held, read, folder)
    found = None
    for index_type in plans(wanted.profile, wanted.recall, len(slots), metric, points):
        index, halves, truth = parts.index(index_type, points, queries)
        again = halves is not None
        tuning, enough = tune(index, index_type, queries, truth, wanted.recall, again=again)
        log.info("%s finds %.3f of the nearest", index_type, tuning.recall)
        if found is None or tuning.recall > found[2].recall:
            found = index, halves, tuning
        if enough:
            break
    assert found is not None
    index, halves, tuning = found
    if tuning.recall < wanted.recall:
        log.warning(
            "a search finds %.3f of the nearest, not %g as asked", tuning.recall, wanted.recall
        )
    parts.complete(index, halves)
    return Segment(index, np.concatenate([others, held]), metric, tuning, halves)


@dataclass(frozen=True)
class _Parts:
    """What a tuned segment is made of: slots that are searched, and others that are held out."""

    metric: Metric
    dimension: int
    slots: Slots
    held: Slots
    read: Read
    folder: Path

    def index(
        self, index_type: str, points: Vectors, queries: Vectors
    ) -> tuple[faiss.Index, Halves | None, np.ndarray]:
        """Return an index of all but the slots held out, its halves if it is to have some, with
        room for theirs, and the rows that are nearest to ``queries``."""
        whole = index_type.startswith("HNSW")
        index = make_empty(index_type, self.dimension, self.metric if whole else CODED)
        if isinstance(inner := innermost(index), faiss.IndexHNSW):
            inner.hnsw.efConstruction = _CONSTRUCTION
        index.train(points)
        rows = len(self.slots) + len(self.held)
        halves = None if whole else room_for(self.folder, rows, self.dimension)
        keep_max = self.metric == "cosine"
        nearest = faiss.ResultHeap(len(queries), NEIGHBOURS, keep_max=keep_max)
        at = 0
        for slots, vectors in self.read(self.slots):
            index.add(vectors)
            if halves is not None:
                halves[at : at + len(slots)] = vectors
            values, found = faiss.knn(queries, vectors, NEIGHBOURS, METRICS[self.metric])
            nearest.add_result(values, np.where(found >= 0, found + at, -1))
            at += len(slots)
        nearest.finalize()
        return index, halves, nearest.I

    def complete(self, index: faiss.Index, halves: Halves | None) -> None:
        """Add the slots that were held out."""
        at = len(self.slots)
        for slots, vectors in self.read(self.held):
            index.add(vectors)
            if halves is not None:
                halves[at : at + len(slots)] = vectors
            at += len(slots)


def _train(index: faiss.Index, vectors: Vectors) -> bool:
    """Train and return True, or return False if there are too few ``vectors`` for it."""
    try:
        index.train(vectors)
    except RuntimeError:
        return False
    ivf = faiss.try_extract_index_ivf(index)
    if ivf is not None:
        # FAISS would look into one list; a sixteenth of them finds most neighbours.
        ivf.nprobe = min(ivf.nlist, max(8, ivf.nlist // 16))
    return True
