"""Leave-one-out mAP of an index on labels: `python -m benchmarks.quality FILE COLUMN --index DIR`.

Every item asks with its own vector, the others are ranked, and the average precision over those
of its label is averaged over all items. Exact, from the vectors that `hueweave export` writes.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from indexer.branches import unit
from indexer.local import LocalStore
from indexer.spaces import similarities
from service.export import export_attribute


def mean_average_precision(
    vectors: np.ndarray, labels: np.ndarray, queries: np.ndarray | None = None
) -> float:
    """Return leave-one-out mAP of (n, d) unit vectors with (n,) labels; ``queries`` ask in their
    place, if given."""
    scores = similarities(vectors if queries is None else queries, vectors, "cosine")
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1)[:, :-1]
    relevant = labels[order] == labels[:, None]
    found = relevant.sum(axis=1)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    averages = (precision * relevant).sum(axis=1)[found > 0] / found[found > 0]
    return float(averages.mean())


def expanded(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return (n, d) unit vectors, each moved toward the ``count`` others nearest to it; see
    ``service.expanding``."""
    scores = similarities(vectors, vectors, "cosine")
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1)[:, :count]
    weights = np.maximum(np.take_along_axis(scores, nearest, axis=1), 0)
    return unit(vectors + (weights[:, :, None] * vectors[nearest]).sum(axis=1))


def read_labels(path: Path, column: str) -> dict[str, str]:
    """Return the labels in a column of a CSV by key, or by path."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row.get("key") or row["path"]: row[column] for row in csv.DictReader(file)}


def main() -> None:
    """Print the mAP of every attribute of an index on one column of labels."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("labels", type=Path, help="a CSV with path (or key) and label columns")
    parser.add_argument("column")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--expand", type=int, default=10, help="neighbours that move a query")
    given = parser.parse_args()
    label = read_labels(given.labels, given.column)
    store = LocalStore(given.index)
    for attribute in store.manifest.attributes:
        keys, vectors = export_attribute(store, attribute)
        known = [at for at, key in enumerate(keys) if key in label]
        labels = np.array([label[keys[at]] for at in known])
        vectors = vectors[known]
        score = mean_average_precision(vectors, labels)
        moved = mean_average_precision(vectors, labels, expanded(vectors, given.expand))
        print(
            f"{given.column} by {attribute}: mAP {score:.3f} on {len(known)} items, "
            f"expanded by {given.expand} {moved:.3f}"
        )
    store.close()


if __name__ == "__main__":
    main()
