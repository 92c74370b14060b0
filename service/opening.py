"""Opening an index with the network it was built with, and making new ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import RecipeMismatchError
from indexer.local import LocalStore, check_can_create, create_index
from indexer.manifest import Manifest, read_manifest
from indexer.presets import get_preset, lay_out
from indexer.spaces import parse_metric
from models.backbones import AUTO, get_backbone
from models.images import Limits
from service.errors import SettingsError
from service.remote import is_remote
from service.search import Searcher
from service.settings import Settings, parse_blocks

if TYPE_CHECKING:
    # torch takes a second to import; commands that need no network never pay it.
    from models.download import Progress
    from models.extractor import NetworkExtractor
    from models.loading import Runtime

Notify = Callable[[str], None]


@dataclass
class Opened:
    """An index that can be searched."""

    store: LocalStore
    searcher: Searcher
    limits: Limits

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def index_folder(settings: Settings) -> Path:
    """Return the index folder; raises SettingsError if none is given."""
    if not settings.index:
        raise SettingsError("no index is given: name one with --index DIR or HUEWEAVE_INDEX")
    if is_remote(settings.index):
        raise SettingsError(f"index {settings.index!r} is a server: this needs the index's folder")
    return Path(settings.index).expanduser()


def limits(settings: Settings) -> Limits:
    """Return what a picture may cost."""
    return Limits(settings.max_bytes, settings.max_pixels)


def open_index(settings: Settings, progress: "Progress | None" = None) -> Opened:
    """Open the index for searching, with exactly the weights its manifest names.

    Raises IndexFolderError, SchemaError or WeightsError.
    """
    store = LocalStore(index_folder(settings))
    _ = store.snapshot  # load segments now: an unfinished or damaged index shows here
    extractor = pinned_extractor(store.manifest, settings, progress)
    allowed = limits(settings)
    return Opened(store, Searcher(store, extractor, allowed), allowed)


def pinned_extractor(
    manifest: Manifest, settings: Settings, progress: "Progress | None" = None
) -> "NetworkExtractor":
    """Return the extractor that follows the manifest's recipe; raises WeightsError."""
    from models.loading import load_pinned

    runtime = _runtime(settings, progress)
    return load_pinned(manifest.recipe, manifest.blocks, settings.weights, runtime).extractor


def make_index(
    folder: Path, settings: Settings, notify: Notify, progress: "Progress | None" = None
) -> "NetworkExtractor":
    """Make an empty index as the settings say and return its extractor."""
    from models.loading import load_new

    check_can_create(folder)
    preset, metric = get_preset(settings.preset), parse_metric(settings.metric)
    blocks = parse_blocks(settings.blocks)
    if settings.backbone != AUTO:
        get_backbone(settings.backbone)
    loaded = load_new(
        settings.backbone,
        settings.weights,
        blocks,
        preset.preprocess,
        _runtime(settings, progress),
        notify,
    )
    backbone = get_backbone(loaded.recipe.backbone)
    layout = lay_out(preset, backbone, blocks, metric)
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        preset=preset.name,
        recipe=loaded.recipe,
        blocks=blocks,
        pools={pool: backbone.channels[pool.block - 1] for pool in layout.pools},
        pool_format=preset.pool_format,
        spaces={space.name: space for space in layout.spaces},
        attributes=layout.attributes,
        index_type=settings.index_type,
    )
    _check_index_type(manifest)
    create_index(folder, manifest)
    return loaded.extractor


def check_same_recipe(folder: Path, settings: Settings) -> Manifest:
    """Return the manifest of an index that a build goes on with.

    Raises RecipeMismatchError if a setting given on purpose is not what the index was made with.
    """
    manifest = read_manifest(folder)
    made = {
        "backbone": manifest.recipe.backbone,
        "preset": manifest.preset,
        "blocks": ",".join(map(str, manifest.blocks)),
        "metric": next(iter(manifest.spaces.values())).metric,
        "index_type": manifest.index_type,
    }
    asked = {name: getattr(settings, name) for name in made if name in settings.model_fields_set}
    if "blocks" in asked:
        asked["blocks"] = ",".join(map(str, parse_blocks(asked["blocks"])))
    for name, value in asked.items():
        if value not in (made[name], AUTO):
            raise RecipeMismatchError(
                f"index {str(folder)!r} was made with {name} {made[name]!r}, not {value!r}: "
                "build another index for that, or leave the setting out"
            )
    return manifest


def _check_index_type(manifest: Manifest) -> None:
    from indexer.segments import check_index_type

    for name in manifest.indexed_spaces:
        space = manifest.spaces[name]
        dimension = sum(manifest.pools[pool] for pool in space.pools)
        check_index_type(manifest.index_type, dimension, space.metric)


def _runtime(settings: Settings, progress: "Progress | None") -> "Runtime":
    from models.loading import Runtime

    return Runtime(settings.device, settings.precision, settings.weights_mirror, progress)
