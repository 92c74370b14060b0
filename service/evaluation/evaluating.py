"""The evaluation itself: every candidate space and every floor, on every column of labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.spaces import Slots, Space, iterate
from indexer.store import CatalogStore
from models.extraction import Vectors
from service.evaluation.candidates import RECIPES, Candidate, candidates
from service.evaluation.intervals import RESAMPLES, Resamples
from service.evaluation.labels import LabelError
from service.evaluation.matching import LabelColumn, Labelled
from service.evaluation.ranking import Outcome, Rows, by_chance, measure
from service.evaluation.results import (
    ClassScores,
    ColumnResult,
    Comparison,
    Confusion,
    Evaluation,
    Row,
)

MAX_QUERIES, MAX_ITEMS = 5_000, 50_000
Tick = Callable[[int, int], None]
CHANCE = "chance"


@dataclass(frozen=True)
class Subject:
    """What is measured: labelled items of an index, with floors' vectors by name, (n, d) each."""

    store: CatalogStore
    labelled: Labelled
    floors: Mapping[str, Vectors]


@dataclass(frozen=True)
class Options:
    """``recipes`` to measure, and the ``seed`` of all that is drawn at random."""

    recipes: tuple[str, ...] = RECIPES
    seed: int = 0


@dataclass(frozen=True)
class _Entry:
    """A row in the making: how it is to be called, and how its queries fared."""

    row: Row
    outcome: Outcome


def limited(labelled: Labelled, seed: int) -> Labelled:
    """Return at most MAX_ITEMS of the labelled items, a sample by ``seed``, with a note."""
    count = len(labelled.items)
    if count <= MAX_ITEMS:
        return labelled
    chosen = np.random.default_rng(seed).choice(count, MAX_ITEMS, replace=False)
    part = labelled.part(np.sort(chosen))
    note = f"{MAX_ITEMS:,} of {count:,} labelled pictures are looked at, a sample by seed {seed}"
    return replace(part, notes=(*labelled.notes, note))


def evaluate(
    subject: Subject,
    source: str,
    labels: str,
    options: Options | None = None,
    tick: Tick = lambda done, total: None,
) -> Evaluation:
    """Measure every block of ``subject``'s index on its labels; ``tick`` is told spaces done.

    Raises LabelError if a sample has left nothing to measure.
    """
    options = options or Options()
    store, labelled = subject.store, subject.labelled
    manifest, slots = store.manifest, labelled.slots
    asked = [(one, *queries_of(one, options.seed)) for one in labelled.columns]
    asked = [one for one in asked if len(one[1])]
    if not asked:
        raise LabelError("no class has two examples")
    notes = [*labelled.notes, *(note for _, _, note in asked if note)]
    wanted = candidates(manifest, options.recipes)
    notes += [
        f"{one.name} was learned from labels: on the pictures it learned from, its figures flatter"
        for one in wanted
        if any(branch.method == "learned" for branch in one.space.branches)
    ]
    total = len(wanted) + len(subject.floors)
    found: list[list[_Entry]] = [
        [_Entry(_row(CHANCE, "floor"), by_chance(one.codes, rows))] for one, rows, _ in asked
    ]
    pairs = [(one.codes, rows) for one, rows, _ in asked]

    def judge(row: Row, vectors: Vectors, space: Space | None) -> None:
        outcomes = measure(vectors, space.metric if space else "cosine", pairs)
        for entries, outcome in zip(found, outcomes, strict=True):
            entries.append(_Entry(row, outcome))
        tick(max(map(len, found)) - 1, total)

    for name, vectors in subject.floors.items():
        judge(_row(name, "floor"), vectors, None)
    for one in wanted:
        space = with_statistics(store, one.space, slots)
        judge(_block_row(one, manifest.dimension(space)), vectors_of(store, space, slots), space)
    columns = [
        _result(one, rows, entries, options.seed)
        for (one, rows, _), entries in zip(asked, found, strict=True)
    ]
    recipe = manifest.recipe
    return Evaluation(
        source=source,
        labels=labels,
        backbone=recipe.backbone,
        weights=recipe.weights,
        weights_sha256=recipe.weights_sha256,
        items=len(labelled.items),
        seed=options.seed,
        resamples=RESAMPLES,
        notes=tuple(notes),
        columns=tuple(columns),
    )


def with_statistics(store: CatalogStore, space: Space, slots: Slots) -> Space:
    """Return ``space`` with the statistics of ``slots``, unless it has some."""
    if space.ready:
        return space
    return space.fitted(lambda: (store.pools(run, space.pools) for run in iterate(slots)))


def vectors_of(store: CatalogStore, space: Space, slots: Slots) -> Vectors:
    """Return the (n, d) vectors of ``slots``."""
    rows = [space.transform(store.pools(run, space.pools)) for run in iterate(slots)]
    return np.concatenate(rows)


def queries_of(column: LabelColumn, seed: int) -> tuple[Rows, str]:
    """Return which rows ask: those whose class has another example, or a sample of them."""
    counts = column.counts
    rows = np.flatnonzero((column.codes >= 0) & (counts[column.codes] > 1))
    if len(rows) <= MAX_QUERIES:
        return rows, ""
    chosen = np.random.default_rng(seed).choice(rows, MAX_QUERIES, replace=False)
    note = f"{column.name}: {MAX_QUERIES:,} of {len(rows):,} pictures ask, a sample by seed {seed}"
    return np.sort(chosen), note


def _row(name: str, kind: str) -> Row:
    return Row(name, kind, name, None, None, None, (), {}, {}, ())


def _block_row(one: Candidate, dimension: int) -> Row:
    row = _row(one.name, "block")
    return replace(
        row,
        recipe=one.recipe,
        block=one.block,
        space=one.space.name,
        dimension=dimension,
        bound=one.bound,
    )


def _result(column: LabelColumn, rows: Rows, entries: Sequence[_Entry], seed: int) -> ColumnResult:
    resamples = Resamples(column.codes[rows], seed)
    finished = [_finished(one, column, rows, resamples) for one in entries]
    by_name = {one.row.name: one.outcome for one in entries}
    blocks = sorted(
        (row for row in finished if row.kind == "block"), key=lambda row: -row.measures["map"].value
    )
    best = blocks[0]

    def ahead_of(others: Sequence[Row]) -> Comparison | None:
        if not others:
            return None
        other = max(others, key=lambda row: row.measures["map"].value)
        gap = by_name[best.name].values["map"] - by_name[other.name].values["map"]
        return Comparison(other.name, resamples.mean(gap))

    floor = ahead_of([row for row in finished if row.kind == "floor"])
    chance = ahead_of([row for row in finished if row.name == CHANCE])
    assert floor is not None
    assert chance is not None
    return ColumnResult(
        attribute=column.name,
        items=int(column.counts.sum()),
        classes=len(column.classes),
        queries=len(rows),
        rows=tuple(finished),
        best=best.name,
        runner_up=ahead_of(blocks[1:]),
        other_block=ahead_of([row for row in blocks if row.block != best.block]),
        floor=floor,
        chance=chance,
        confusion=_confusion(best.name, column, rows, by_name[best.name].voted),
    )


def _finished(entry: _Entry, column: LabelColumn, rows: Rows, resamples: Resamples) -> Row:
    values = entry.outcome.values
    measures = {name: resamples.mean(one) for name, one in values.items()}
    split = {name: resamples.by_class(one) for name, one in values.items()}
    asked = np.bincount(column.codes[rows], minlength=len(column.classes))
    classes = tuple(
        ClassScores(
            label=column.classes[code],
            examples=int(column.counts[code]),
            queries=int(asked[code]),
            measures={name: each[at] for name, (_, each) in split.items()},
        )
        for at, code in enumerate(resamples.present.tolist())
    )
    macro = {name: mean for name, (mean, _) in split.items()}
    return replace(entry.row, measures=measures, macro=macro, classes=classes)


def _confusion(name: str, column: LabelColumn, rows: Rows, voted: NDArray[np.int32]) -> Confusion:
    size = len(column.classes)
    pairs = column.codes[rows].astype(np.int64) * size + voted
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
    return Confusion(name, column.classes, tuple(tuple(line) for line in counts.tolist()))
