"""What labels add: `python -m benchmarks.learned FILE COLUMN --index DIR`.

An attribute is learned from a random half of the labelled items, and the other half is searched
among itself, leave one out, beside the label-free space; likewise from a few labels a class. The
means over several splits are printed. Items of the other half take part without their labels, as
those of a catalog do, unless `--inductive`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.quality import mean_average_precision
from benchmarks.report import Figure
from indexer.local import LocalStore
from service.evaluation.evaluating import vectors_of, with_statistics
from service.learning.fitting import Fitted, Options, Subject, fit, subject_of
from service.learning.installing import space_of
from service.learning.labels import Labels, find_labels, slots_of

Halves = tuple[np.ndarray, np.ndarray]


def halves(count: int, splits: int) -> Iterator[Halves]:
    """Yield random halves of ``count`` rows."""
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(count)
        yield order[: count // 2], order[count // 2 :]


def few_of(rows: np.ndarray, codes: np.ndarray, few: int, seed: int) -> np.ndarray:
    """Return ``few`` of the ``rows`` of each class."""
    order = np.random.default_rng(seed).permutation(rows)
    return np.concatenate([order[codes[order] == code][:few] for code in np.unique(codes)])


def learn(
    store: LocalStore, labels: Labels, whole: Subject, rows: np.ndarray, seed: int, alone: bool
) -> Fitted:
    """Return what is learned from ``rows`` of the labels."""
    slots = slots_of(labels.items)
    others = np.setdiff1d(slots, slots[rows])[: 0 if alone else None]
    part = replace(whole, slots=slots[rows], codes=labels.codes[rows], others=others)
    return fit(store, part, Options(seed=seed))


def main() -> None:
    """Print mAP without and with labels, from a half and from a few a class."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learned")
    parser.add_argument("labels", type=Path, help="a CSV with path (or key) and label columns")
    parser.add_argument("column", help="the column, and the attribute that is learned")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--few", type=int, default=5, help="labels a class (5)")
    parser.add_argument("--inductive", action="store_true", help="see the other half only to test")
    parser.add_argument("--floor", type=float, help="least mAP from a half")
    given = parser.parse_args()
    store = LocalStore(given.index, read_only=True)
    labels = find_labels(store, given.column, given.labels, given.column)
    whole = subject_of(store, labels, given.column, Options())
    slots, codes = slots_of(labels.items), labels.codes
    [free] = whole.free
    free_vectors = vectors_of(store, with_statistics(store, free, slots), slots)
    found: dict[str, list[tuple[float, float, bool]]] = {}
    for seed, (rows, test) in enumerate(halves(len(codes), given.splits)):
        before = mean_average_precision(free_vectors[test], codes[test])
        for name, some in (
            ("half", rows),
            (f"{given.few} a class", few_of(rows, codes, given.few, seed)),
        ):
            fitted = learn(store, labels, whole, some, seed, given.inductive)
            vectors = vectors_of(store, space_of(fitted), slots[test])
            after = mean_average_precision(vectors, codes[test])
            refused = fitted.verdict.refused is not None
            found.setdefault(name, []).append((before, after, refused))
            chosen = f"{vectors.shape[1]} numbers, {fitted.search.best.way.method}"
            said = f"split {seed}, {name}: {before:.3f} → {after:.3f}, {chosen}"
            print(said + ", refused" * refused, flush=True)
    for name, rows_of in found.items():
        before, after, refused = np.array(rows_of).mean(axis=0)
        spread = np.array(rows_of)[:, 1].std()
        worse = sum(one[1] < one[0] for one in rows_of)
        print(f"{given.column} from {name}: label-free {before:.3f}, learned {after:.3f} "
              f"(standard deviation {spread:.3f}), worse in {worse} of {len(rows_of)}, "
              f"refused {refused:.0%}")  # fmt: skip
    if given.floor is not None:
        mean = float(np.mean([one[1] for one in found["half"]]))
        print(Figure(f"{given.column}, learned from a half", mean, given.floor, at_least=True))
    store.close()


if __name__ == "__main__":
    main()
