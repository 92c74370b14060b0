"""Leave-one-out mAP of an index on labels: `python -m benchmarks.quality FILE COLUMN --index DIR`.

Every item asks with its own vector, the others are ranked, and the average precision over those
of its label is averaged over all items. Exact, from the vectors that `hueweave export` writes.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from indexer.local import LocalStore
from indexer.spaces import similarities
from service.export import export_attribute


def mean_average_precision(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Return leave-one-out mAP of (n, d) unit vectors with (n,) labels."""
    scores = similarities(vectors, vectors, "cosine")
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1)[:, :-1]
    relevant = labels[order] == labels[:, None]
    found = relevant.sum(axis=1)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    averages = (precision * relevant).sum(axis=1)[found > 0] / found[found > 0]
    return float(averages.mean())


def main() -> None:
    """Print the mAP of every attribute of an index on one column of labels."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("labels", type=Path, help="a CSV with path (or key) and label columns")
    parser.add_argument("column")
    parser.add_argument("--index", type=Path, required=True)
    given = parser.parse_args()
    with given.labels.open(encoding="utf-8-sig", newline="") as file:
        label = {row.get("key") or row["path"]: row[given.column] for row in csv.DictReader(file)}
    store = LocalStore(given.index)
    for attribute in store.manifest.attributes:
        keys, vectors = export_attribute(store, attribute)
        known = [at for at, key in enumerate(keys) if key in label]
        labels = np.array([label[keys[at]] for at in known])
        score = mean_average_precision(vectors[known], labels)
        print(f"{given.column} by {attribute}: mAP {score:.3f} on {len(known)} items")
    store.close()


if __name__ == "__main__":
    main()
