"""The build as the command and later the server run it: settings to a finished index."""

from typing import TYPE_CHECKING

from indexer.build import BuildOptions, BuildReport, build, check_columns
from indexer.local import is_index
from indexer.local_engine import LocalEngine
from indexer.sources import check_not_empty, open_source
from indexer.watching import Watcher
from service.opening import (
    Notify,
    check_same_recipe,
    index_folder,
    limits,
    make_index,
    pinned_extractor,
)
from service.settings import Settings

if TYPE_CHECKING:
    from models.download import Progress
    from models.extraction import Extractor


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
    ready: Extractor | None = None
    if not is_index(folder):
        ready = make_index(folder, settings, notify, progress)
    manifest = check_same_recipe(folder, settings)
    if ready is None and "weights" in settings.model_fields_set:
        ready = pinned_extractor(manifest, settings, progress)

    def extractor() -> "Extractor":
        return ready or pinned_extractor(manifest, settings, progress)

    engine = LocalEngine(
        manifest.recipe.preprocess,
        limits(settings),
        batch_size=settings.batch_size,
        threads=settings.threads,
    )
    return build(folder, opened, engine, extractor, options, watcher)
