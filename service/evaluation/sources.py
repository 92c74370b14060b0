"""Pictures to measure: embedded once into an index in a cache, or those of an index there is."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.build import BuildOptions, BuildReport
from indexer.creation import is_index
from indexer.local import LocalStore
from indexer.manifest import SCHEMA_VERSION
from indexer.presets import get_preset
from indexer.store import CatalogStore
from indexer.watching import Watcher
from models.backbones import AUTO, BLOCKS
from models.errors import BlockError
from models.extraction import Vectors
from models.recipe import INT8
from service.building import build_index
from service.evaluation.histogram import histograms, palette_histograms
from service.evaluation.labels import LabelError, read_labels
from service.evaluation.matching import Labelled, match_columns, match_file, match_folders
from service.opening import index_folder, limits
from service.settings import Settings

if TYPE_CHECKING:
    from models.download import Progress

# What the pools in a cached index depend on, beside its source.
_OF_RECIPE = ("backbone", "weights", "blocks")
HISTOGRAM, PALETTES = "color histogram", "dominant colors"


@dataclass(frozen=True)
class Material:
    """An open index to measure, and how to get the floor for color of items in it."""

    store: CatalogStore
    name: str
    floor: Callable[[Labelled], tuple[str, Vectors | None]]

    def floors(self, labelled: Labelled, notify: Callable[[str], None]) -> dict[str, Vectors]:
        """Return the vectors of floors by name; one that cannot be had is told to ``notify``."""
        name, vectors = self.floor(labelled)
        if vectors is None:
            notify(f"no {name} as a floor: of some pictures the colors are not to be had")
            return {}
        return {name: vectors}


def cache_folder() -> Path:
    """Return where embeddings of measured pictures are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "hueweave" / "evaluate"


@contextmanager
def open_source_material(
    source: str,
    settings: Settings,
    watcher: Watcher,
    notify: Callable[[str], None],
    progress: "Progress | None" = None,
) -> Iterator[Material]:
    """Yield an index of ``source`` with every block its weights reach, brought up to it.

    It lies in the cache, under a name of the source and the recipe, so that a second time nothing
    is embedded. Pictures that cannot be read are told to ``notify``. Raises HueweaveError of some
    kind; see ``service.building.build_index``.
    """
    folder = cache_folder() / _name(source, settings)
    # As the default preset stores it, with both pools; recipes are made of these afterwards.
    plain = settings.model_copy(update={"index": str(folder), "preset": "default",
                                        "metric": "cosine", "index_type": "Flat"})  # fmt: skip
    report = _build(source, folder, plain, watcher, notify, progress)
    for failure in report.failures:
        notify(f"left out, it cannot be read: {failure.key}: {failure.reason}")
    store = LocalStore(folder)

    def floor(labelled: Labelled) -> tuple[str, Vectors | None]:
        recipe, cache = store.manifest.recipe, folder / "histograms.npz"
        found = histograms(
            store, labelled.items, recipe.preprocess, limits(settings), cache, settings.threads
        )
        return HISTOGRAM, found

    try:
        yield Material(store, source, floor)
    finally:
        store.close()


@contextmanager
def open_index_material(settings: Settings) -> Iterator[Material]:
    """Yield the index that ``settings`` name; no picture of it is read."""
    folder = index_folder(settings)
    store = LocalStore(folder, read_only=True)
    try:
        yield Material(
            store, str(folder), lambda labelled: (PALETTES, palette_histograms(labelled.items))
        )
    finally:
        store.close()


def labels_of(
    material: Material, labels: Path | None, attributes: tuple[str, ...]
) -> tuple[str, Labelled]:
    """Return where labels are from, and the labelled items: from a file, else from metadata, else
    the folder that each picture lies in. Raises LabelError, SourceError or UnknownNameError."""
    if labels is not None:
        return str(labels), match_file(material.store, read_labels(labels, attributes))
    if material.store.columns():
        return "metadata", match_columns(material.store, attributes)
    return "folders", match_folders(material.store, attributes)


def check_one_given(source: str | None, index: str | None) -> None:
    """Raise LabelError unless there is something to measure, and only one thing."""
    if source is None and index is None:
        raise LabelError("nothing to measure is given: name a SOURCE, or an index with --index DIR")
    if source is not None and index is not None:
        raise LabelError(f"both SOURCE {source!r} and --index {index!r} are given: name one")


def _build(
    source: str,
    folder: Path,
    settings: Settings,
    watcher: Watcher,
    notify: Callable[[str], None],
    progress: "Progress | None",
) -> BuildReport:
    folder.parent.mkdir(parents=True, exist_ok=True)
    options = BuildOptions(prune=True)
    if settings.blocks == AUTO and not is_index(folder):
        every = settings.model_copy(update={"blocks": f"{BLOCKS[0]}-{BLOCKS[-1]}"})
        with suppress(BlockError):  # weights that stop short of the last block
            return build_index(source, every, options, watcher, notify, progress)
    return build_index(source, settings, options, watcher, notify, progress)


def _name(source: str, settings: Settings) -> str:
    chosen = {name: getattr(settings, name) for name in _OF_RECIPE}
    weights = Path(settings.weights).expanduser() if settings.weights else None
    if weights is not None and weights.is_file():
        found = weights.stat()
        chosen["weights"] = [str(weights.absolute()), found.st_size, found.st_mtime_ns]
    if settings.precision == INT8:  # the others serve one index
        chosen["precision"] = INT8
    place = os.path.realpath(Path(source).expanduser())
    # An index keeps the spaces it was made with: a release that makes others makes another.
    made_by = [SCHEMA_VERSION, repr(get_preset("default"))]
    return hashlib.sha256(json.dumps([place, chosen, made_by]).encode()).hexdigest()[:24]
