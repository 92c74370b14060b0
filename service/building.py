"""Making and filling indexes as the commands do it: settings to a finished index."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.build import BuildOptions, BuildReport, build, check_columns
from indexer.creation import check_can_create, create_index, is_index
from indexer.errors import RecipeMismatchError
from indexer.factory import check_index_type
from indexer.local import LocalStore, open_for_writing
from indexer.local_engine import LocalEngine
from indexer.manifest import Manifest
from indexer.manifest_file import read_manifest
from indexer.planning import RECALLS, parse_profile
from indexer.presets import get_preset, lay_out
from indexer.reduction import Loss, measure_loss, parse_reduction
from indexer.sources import Source, check_not_empty, open_source
from indexer.spaces import parse_metric
from indexer.watching import Watcher
from models.backbones import AUTO, get_backbone
from models.probe import flat_colors
from models.recipe import INT8, check_precision
from service.opening import index_folder, limits, pinned_extractor, runtime
from service.settings import Settings, parse_blocks

if TYPE_CHECKING:
    from models.download import Progress
    from models.extraction import Extractor
    from models.loading import Loaded

Notify = Callable[[str], None]


def build_index(
    source: str,
    settings: Settings,
    options: BuildOptions,
    watcher: Watcher,
    notify: Notify,
    progress: "Progress | None" = None,
) -> BuildReport:
    """Build or update the index that ``settings`` name from ``source``; return what was done.

    Everything that can be wrong with the call is found before anything is written. Raises
    HueweaveError of some kind; see ``indexer.build.build``.
    """
    folder = index_folder(settings)
    opened = open_source(source, index=folder)
    check_not_empty(opened)
    check_columns(opened, options.indexed_columns)
    made = None if is_index(folder) else make_index(folder, settings, notify, progress, opened)
    manifest = check_same_recipe(folder, settings, progress)

    def extractor() -> "Extractor":
        return made or pinned_extractor(manifest, settings, progress)

    engine = LocalEngine(
        manifest.recipe.preprocess,
        limits(settings),
        batch_size=settings.batch_size,
        threads=settings.threads,
    )
    with open_for_writing(folder) as store:
        return build(store, opened, engine, extractor, options, watcher)


def make_index(
    folder: Path,
    settings: Settings,
    notify: Notify,
    progress: "Progress | None" = None,
    source: Source | None = None,
) -> "Extractor":
    """Make an empty index as the settings say and return its extractor.

    ``source`` has the pictures that an int8 network is calibrated on; raises PrecisionError if one
    is asked for without.
    """
    check_can_create(folder)
    if settings.precision == INT8 and source is not None:
        return _make_quantized(folder, settings, notify, progress, source)
    manifest, loaded = plan_index(settings, notify, progress)
    create_index(folder, manifest)
    return loaded.extractor


def _make_quantized(
    folder: Path, settings: Settings, notify: Notify, progress: "Progress | None", source: Source
) -> "Extractor":
    from models.quantizing import check_can_quantize
    from service.calibrating import quantized

    check_can_quantize(settings.device)
    # Scales are found in float32, whatever else this machine computes in.
    floats = settings.model_copy(update={"precision": "float32", "device": "cpu"})
    manifest, loaded = plan_index(floats, notify, progress)
    notify("making the int8 network out of the first pictures: that takes half a minute")
    manifest, loaded, network = quantized(manifest, loaded, source, limits(settings))
    create_index(folder, manifest, network)
    return loaded.extractor


def plan_index(
    settings: Settings,
    notify: Notify,
    progress: "Progress | None" = None,
    known: "Iterable[Loaded]" = (),
) -> "tuple[Manifest, Loaded]":
    """Return the manifest of an empty index as the settings say, and its network.

    That is one of ``known`` if it is among them. Nothing is written. Raises PrecisionError for
    int8, which takes pictures.
    """
    from models.loading import load_new

    check_precision(settings.precision)
    parse_reduction(settings.reduce)
    preset, metric = get_preset(settings.preset), parse_metric(settings.metric)
    asked = None if settings.blocks == AUTO else parse_blocks(settings.blocks)
    loaded = load_new(
        settings.backbone,
        settings.weights,
        asked,
        preset.preprocess,
        runtime(settings, progress),
        notify,
        known,
    )
    backbone = get_backbone(loaded.recipe.backbone)
    blocks = asked or backbone.stored
    layout = lay_out(
        preset, backbone, blocks, metric, lambda block: flat_colors(loaded.extractor, block)
    )
    widths = {pool: backbone.channels[pool.block - 1] for pool in layout.pools}
    kept = parse_reduction(settings.reduce)
    if kept is not None:
        layout = layout.reduced(kept, widths)
    profile = parse_profile(settings.profile)
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        preset=preset.name,
        recipe=loaded.recipe,
        blocks=blocks,
        pools=widths,
        pool_format=preset.pool_format,
        spaces={space.name: space for space in layout.spaces},
        attributes=layout.attributes,
        index_type=settings.index_type,
        profile=profile,
        recall=settings.recall or RECALLS[profile],
        reduce=settings.reduce,
    )
    for name in manifest.indexed_spaces:
        space = manifest.spaces[name]
        check_index_type(manifest.index_type, manifest.dimension(space), metric)
    return manifest, loaded


def check_same_recipe(
    folder: Path, settings: Settings, progress: "Progress | None" = None
) -> Manifest:
    """Return the manifest of an index that a command goes on with.

    Raises RecipeMismatchError if a setting given on purpose is not what the index was made with,
    PrecisionError if its numbers are others than those asked for, WeightsError if weights are named
    that are not the index's.
    """
    manifest = read_manifest(folder)
    made = made_with(manifest)
    asked = {name: getattr(settings, name) for name in made if name in settings.model_fields_set}
    if asked.get("blocks", AUTO) != AUTO:
        asked["blocks"] = ",".join(map(str, parse_blocks(asked["blocks"])))
    for name, value in asked.items():
        if value not in (made[name], AUTO):
            raise RecipeMismatchError(
                f"index {str(folder)!r} was made with {name} {made[name]!r}, not {value!r}: "
                "build another index for that, or leave the setting out"
            )
    manifest.recipe.check_precision(settings.precision, settings.device)
    if settings.weights and not _names(settings.weights, manifest.recipe.weights):
        # Others, or the same elsewhere.
        pinned_extractor(manifest, settings, progress, folder)
    return manifest


def measure_losses(settings: Settings) -> list[Loss]:
    """Return what each attribute of an index loses by being reduced; nothing if none is."""
    store = LocalStore(index_folder(settings), read_only=True)
    try:
        if parse_reduction(store.manifest.reduce) is None:
            return []
        return [measure_loss(store, attribute) for attribute in store.manifest.attributes]
    finally:
        store.close()


def made_with(manifest: Manifest) -> dict[str, str | float]:
    """Return the settings that an index was made with, by their names."""
    return {
        "backbone": manifest.recipe.backbone,
        "preset": manifest.preset,
        "blocks": ",".join(map(str, manifest.blocks)),
        "metric": next(iter(manifest.spaces.values())).metric,
        "index_type": manifest.index_type,
        "profile": manifest.profile,
        "recall": manifest.recall,
        "reduce": manifest.reduce,
    }


def _names(weights: str, recorded: str) -> bool:
    """Return whether ``weights`` is how the manifest records its own."""
    return recorded in (weights, str(Path(weights).expanduser().absolute()))
