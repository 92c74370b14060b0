"""Opening an index with exactly the network it was built with."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from indexer.filters import FilterLimits
from indexer.local import LocalStore
from indexer.manifest import Manifest
from indexer.networks import read_network
from indexer.store import CatalogStore
from indexer.upkeep import Upkeep
from models.extraction import Extractor
from models.images import Limits
from models.recipe import Recipe
from models.threads import all_threads, shared
from service.batching import Batcher
from service.editing import Editor
from service.errors import SettingsError
from service.fetching import make_fetch
from service.remote import is_remote
from service.search import QueryLimits, Searcher
from service.settings import Settings

if TYPE_CHECKING:
    # torch takes a second to import; commands that need no network never pay it.
    from models.download import Progress
    from models.loading import Loaded, Runtime

    Watching = Callable[[], AbstractContextManager[Progress | None]]


@dataclass(frozen=True)
class Opened:
    """An index that can be searched, and changed."""

    store: CatalogStore
    searcher: Searcher
    limits: Limits
    upkeep: Upkeep | None = None

    @cached_property
    def editor(self) -> Editor:
        """What changes the index."""
        return Editor(self.store, lambda: self.searcher.extractor, self.limits)

    def close(self) -> None:
        """Close the store, once its upkeep has ended."""
        if self.upkeep is not None:
            self.upkeep.close()
        self.store.close()


class Opener:
    """Opens index folders, one at a time. Those of one recipe and depth share a network.

    Those of a ``server`` get generations as items come and go, and pictures that clients send at
    once go through the network together. ``watching`` is entered around the loading of a network;
    what it gives watches downloads.
    """

    def __init__(
        self, settings: Settings, watching: "Watching" = nullcontext, *, server: bool = False
    ) -> None:
        self._settings, self.watching = settings, watching
        self._kept_up = server and not settings.read_only
        self._server = server
        self._fetch = make_fetch(settings)
        # Weak, so that a network is let go of with the last index that uses it.
        self._networks: WeakValueDictionary[object, Extractor] = WeakValueDictionary()
        self._recipes: WeakKeyDictionary[Extractor, Recipe] = WeakKeyDictionary()
        # A batcher holds its network, and is held by the indexes that use it.
        self._batchers: WeakKeyDictionary[Extractor, ref[Batcher]] = WeakKeyDictionary()

    def __call__(self, folder: Path) -> Opened:
        """Return the index, with exactly the weights its manifest names.

        Raises IndexFolderError, SchemaError, WeightsError or PrecisionError.
        """
        store = LocalStore(folder, read_only=self._settings.read_only)
        try:
            store.view()  # loads segments now: an unfinished or damaged index shows here
            extractor = self._network(store.manifest, folder)
        except BaseException:
            store.close()
            raise
        allowed = limits(self._settings)
        allowed_queries = query_limits(self._settings)
        searcher = Searcher(
            store, extractor, allowed, allowed_queries, self._fetch, self._batcher(extractor)
        )
        upkeep = Upkeep(store) if self._kept_up else None
        if upkeep is not None:
            upkeep.start()
        return Opened(store, searcher, allowed, upkeep)

    def _network(self, manifest: Manifest, folder: Path) -> Extractor:
        found = self._networks.get(_known_by(manifest))
        if found is None:
            with self.watching() as progress:
                found = pinned_extractor(manifest, self._settings, progress, folder)
            found = self.adopt(manifest, found)
        return found

    def _batcher(self, network: Extractor) -> Batcher | None:
        """Return what batches for ``network``: one, whichever indexes it serves."""
        most = self._settings.max_batch
        if not self._server or most == 1:
            return None
        known = self._batchers.get(network)
        found = known() if known else None
        if found is None:
            found = batcher_of(network, most)
            self._batchers[network] = ref(found)
        return found

    def adopt(self, manifest: Manifest, network: Extractor) -> Extractor:
        """Let ``network``, for as long as it is there, serve every index like ``manifest``; return
        what it runs in from now on."""
        from models.compiled import compiled

        found = compiled(network) if self._server else network
        self._networks[_known_by(manifest)] = found
        self._recipes[found] = manifest.recipe
        return found

    def known(self) -> "list[Loaded]":
        """Return the networks that indexes have open now."""
        from models.loading import Loaded

        return [Loaded(recipe, network) for network, recipe in self._recipes.items()]


def batcher_of(network: Extractor, most: int) -> Batcher:
    """Return what runs at most ``most`` pictures together, and as many such batches at once as
    suits the network."""
    at_once = getattr(network, "at_once", 1)
    if at_once == 1:
        return Batcher(network, most)
    all_threads()
    return Batcher(network, most, at_once=at_once, shared=shared)


def _known_by(manifest: Manifest) -> object:
    return manifest.recipe.digest, max(manifest.blocks)


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

    Raises IndexFolderError, SchemaError, WeightsError or PrecisionError.
    """
    return Opener(settings, lambda: nullcontext(progress))(index_folder(settings))


def pinned_extractor(
    manifest: Manifest,
    settings: Settings,
    progress: "Progress | None" = None,
    folder: Path | None = None,
) -> Extractor:
    """Return the extractor that follows the manifest's recipe.

    ``folder`` is the index's, if not that of the settings. Raises WeightsError, PrecisionError, or
    IndexFolderError if a network that is stored with the index is damaged.
    """
    from models.loading import load_pinned

    found = load_pinned(
        manifest.recipe,
        manifest.blocks,
        settings.weights,
        runtime(settings, progress),
        lambda digest: read_network(folder or index_folder(settings), digest),
    )
    return found.extractor


def runtime(settings: Settings, progress: "Progress | None") -> "Runtime":
    """Return how the settings want the network to run."""
    from models.loading import Runtime

    return Runtime(settings.device, settings.precision, settings.weights_mirror, progress)
