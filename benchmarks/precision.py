"""What int8 costs in quality: `python -m benchmarks.precision`.

Two indexes of the same labelled pictures are built, one in float32 and one in int8, which are
compared by leave-one-out mAP and by how many of an item's ten nearest are the same. Run on the
shared pictures and weights where they are (HUEWEAVE_SHARED names their folder), else on rendered
fabrics with the packaged network.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import mean_average_precision, read_labels
from benchmarks.report import Figure
from indexer.build import BuildOptions
from indexer.local import LocalStore
from indexer.spaces import similarities
from indexer.watching import Watcher
from models.backbones import PACKAGED
from models.extraction import Vectors
from service.building import build_index
from service.export import export_attribute
from service.fabrics import write_catalog
from service.settings import load_settings

SHARED = Path(os.environ.get("HUEWEAVE_SHARED", Path(__file__).parents[2] / "shared"))
# Thousandths of mAP: less than another draw of pictures would change.
_LOSS = 5
# A floor only: mAP is what counts. Fabrics that are drawn alike change places at the least.
_SAME = 0.75


@dataclass(frozen=True)
class Labelled:
    """Pictures whose labels in a column are what an attribute should find."""

    table: Path
    column: str
    attribute: str


def measure(scratch: Path, *, every: bool = False) -> Iterator[Figure]:
    """Yield what int8 loses on each set, and how many of the ten nearest it keeps, with the best
    network there is or with ``every`` one."""
    networks, sets = _material(scratch)
    for backbone, weights in [*networks.items()][: None if every else 1]:
        for one in sets:
            yield from _compare(backbone, weights, one, scratch / backbone / one.table.parent.name)


def _compare(backbone: str, weights: str, one: Labelled, scratch: Path) -> Iterator[Figure]:
    keys, floats = _vectors(backbone, weights, one, scratch / "float32", "float32")
    _, rounded = _vectors(backbone, weights, one, scratch / "int8", "int8")
    labels = read_labels(one.table, one.column)
    codes = np.array([labels[key] for key in keys])
    before, after = (mean_average_precision(some, codes) for some in (floats, rounded))
    same, name = _same(floats, rounded), f"{backbone}, {one.attribute}"
    print(
        f"  {name}: mAP float32 {before:.4f}, int8 {after:.4f}; {same:.3f} of the ten nearest "
        f"are the same; {len(keys)} items",
        flush=True,
    )
    yield Figure(f"{name}: mAP lost to int8, thousandths", 1000 * (before - after), _LOSS, False)
    yield Figure(f"{name}: share of ten nearest kept in int8", same, _SAME, True)


def _material(scratch: Path) -> tuple[dict[str, str], list[Labelled]]:
    """Return weights by backbone, and labelled pictures."""
    if (SHARED / "weights").is_dir():
        [weights] = (SHARED / "weights").glob("resnet50_v1-*.safetensors")
        colors, textures = (SHARED / "data" / name for name in ("product-colors", "textures"))
        return {"resnet50_v1": str(weights), "efficientnet_lite0": PACKAGED}, [
            Labelled(colors / "labels.csv", "color", "color"),
            Labelled(textures / "labels.csv", "texture", "texture"),
        ]
    table = write_catalog(scratch / "fabrics")
    return {"efficientnet_lite0": PACKAGED}, [
        Labelled(table, "color", "color"),
        Labelled(table, "texture", "texture"),
    ]


def _vectors(
    backbone: str, weights: str, one: Labelled, index: Path, precision: str
) -> tuple[NDArray[np.str_], Vectors]:
    """Return keys, in order, and vectors of an attribute, of an index that is built if it is not
    there."""
    settings = load_settings(
        index=str(index), backbone=backbone, weights=weights, precision=precision, device="cpu"
    )
    build_index(str(one.table), settings, BuildOptions(), Watcher(), print)
    store = LocalStore(index, read_only=True)
    try:
        return export_attribute(store, one.attribute)
    finally:
        store.close()


def _same(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean share of ten nearest others that two sets of (n, d) vectors agree on."""
    pairs = zip(_nearest(one), _nearest(other), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in pairs]))


def _nearest(vectors: np.ndarray) -> np.ndarray:
    scores = similarities(vectors, vectors, "cosine")
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1)[:, :10]


def main() -> None:
    """Print what was found, and each figure with its target."""
    with tempfile.TemporaryDirectory() as name:
        for figure in measure(Path(name), every=True):
            print(figure)


if __name__ == "__main__":
    main()
