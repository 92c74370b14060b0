"""What judgements add: `python -m benchmarks.corrections FILE COLUMN --index DIR`.

A simulated person searches with items of a random half of the labelled ones, in that half, and
judges ten of the twenty best hits of each by the labels. An attribute is learned from those pairs
as `hueweave fit --feedback` does, and the other half is searched among itself, leave one out,
beside the space before. The means over several splits are printed. The index stays as it is.
"""

import argparse
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.quality import mean_average_precision
from indexer.feedback import Judgement, Shown
from indexer.local import LocalStore
from service.evaluation.evaluating import vectors_of, with_statistics
from service.learning.correcting import correct
from service.learning.fitting import Options
from service.learning.free import free_spaces
from service.learning.installing import space_of
from service.learning.labels import find_labels, slots_of

HITS, OF = 10, 20


def judged(near: np.ndarray, count: int, seed: int) -> list[tuple[int, int]]:
    """Return up to ``count`` pairs of rows of (n, 20) ``near``, the best hits of each row; of two
    rows there is one pair."""
    random, found = np.random.default_rng(seed), dict[frozenset[int], tuple[int, int]]()
    for query in random.permutation(len(near)).tolist():
        for hit in random.permutation(near[query])[:HITS].tolist():
            found.setdefault(frozenset((query, hit)), (query, hit))
    return list(found.values())[:count]


def main() -> None:
    """Print mAP before and after so many judgements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corrections")
    parser.add_argument("labels", type=Path, help="a CSV with path (or key) and label columns")
    parser.add_argument("column", help="the column, and the attribute that is judged")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100, 300, 1000, 3000])
    given = parser.parse_args()
    found: dict[int, list[tuple[float, float, bool]]] = {}
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(given.index, Path(name) / "index")
        with closing(LocalStore(Path(name) / "index")) as store:
            for seed in range(given.splits):
                for count in given.pairs:
                    one = measure(store, given.labels, given.column, count, seed)
                    found.setdefault(count, []).append(one)
    for count, rows in found.items():
        before, after, refused = np.array(rows, float).mean(axis=0)
        worse = sum(one[1] < one[0] for one in rows if not one[2])
        print(f"{given.column}, {count} judgements: before {before:.3f}, learned {after:.3f}, "
              f"refused {refused:.0%}, worse in {worse} of those installed")  # fmt: skip


def measure(
    store: LocalStore, file: Path, column: str, count: int, seed: int
) -> tuple[float, float, bool]:
    """Return the mAP of the other half before and after ``count`` judgements, and whether what was
    learned would have been refused."""
    labels = find_labels(store, column, file, column)
    slots, codes = slots_of(labels.items), labels.codes
    space = with_statistics(store, free_spaces(store.manifest, column)[0], slots)
    vectors = vectors_of(store, space, slots)
    order = np.random.default_rng(seed).permutation(len(codes))
    rows, test = order[: len(order) // 2], order[len(order) // 2 :]
    alike = vectors[rows] @ vectors[rows].T
    np.fill_diagonal(alike, -np.inf)
    items = [Shown(one.key, one.version, one.slot) for one in labels.items]
    pairs = judged(np.argsort(-alike, axis=1)[:, :OF], count, seed)
    store.feedback.remove([one.id for one in store.feedback.every()])
    store.feedback.put(
        [Judgement(column, items[rows[a]], items[rows[b]], bool(codes[rows[a]] == codes[rows[b]]))
         for a, b in pairs], {}, len(pairs))  # fmt: skip
    before = mean_average_precision(vectors[test], codes[test])
    corrected, result = correct(store, column, Options(seed=seed))
    after, verdict = before, result.verdict
    if corrected is not None:
        after = mean_average_precision(vectors_of(store, space_of(corrected), slots[test]),
                                       codes[test])  # fmt: skip
    became = verdict.refused or "installed"
    print(f"split {seed}, {result.pairs} pairs in {result.chunklets} groups: {before:.3f} → "
          f"{after:.3f}, mix {result.mix:g}, {became}", flush=True)  # fmt: skip
    return before, after, verdict.refused is not None


if __name__ == "__main__":
    main()
