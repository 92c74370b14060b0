"""Opening an index with exactly the network it was built with."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.filters import FilterLimits
from indexer.local import LocalStore
from indexer.manifest import Manifest
from indexer.store import CatalogStore
from models.images import Limits
from service.errors import SettingsError
from service.remote import is_remote
from service.search import QueryLimits, Searcher
from service.settings import Settings

if TYPE_CHECKING:
    # torch takes a second to import; commands that need no network never pay it.
    from models.download import Progress
    from models.extractor import NetworkExtractor
    from models.loading import Runtime


@dataclass(frozen=True)
class Opened:
    """An index that can be searched."""

    store: CatalogStore
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


def query_limits(settings: Settings) -> QueryLimits:
    """Return what a query may ask for."""
    return QueryLimits(
        limit=settings.max_limit,
        terms=settings.max_terms,
        explained=settings.max_explained,
        depth=settings.max_depth,
        filter=FilterLimits(settings.max_filter_depth, settings.max_filter_conditions),
    )


def open_index(settings: Settings, progress: "Progress | None" = None) -> Opened:
    """Open the index for searching, with exactly the weights its manifest names.

    Raises IndexFolderError, SchemaError or WeightsError.
    """
    store = LocalStore(index_folder(settings))
    try:
        store.view()  # loads segments now: an unfinished or damaged index shows here
        extractor = pinned_extractor(store.manifest, settings, progress)
    except BaseException:
        store.close()
        raise
    allowed = limits(settings)
    return Opened(store, Searcher(store, extractor, allowed, query_limits(settings)), allowed)


def pinned_extractor(
    manifest: Manifest, settings: Settings, progress: "Progress | None" = None
) -> "NetworkExtractor":
    """Return the extractor that follows the manifest's recipe; raises WeightsError."""
    from models.loading import load_pinned

    found = load_pinned(
        manifest.recipe, manifest.blocks, settings.weights, runtime(settings, progress)
    )
    return found.extractor


def runtime(settings: Settings, progress: "Progress | None") -> "Runtime":
    """Return how the settings want the network to run."""
    from models.loading import Runtime

    return Runtime(settings.device, settings.precision, settings.weights_mirror, progress)
