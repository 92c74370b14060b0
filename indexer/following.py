"""Following an index as it is written: the newest view, brought up to date by what changed."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

import numpy as np
from numpy.typing import NDArray

from indexer.change_log import News
from indexer.column_values import extended
from indexer.columns import Columns
from indexer.delta import Delta
from indexer.errors import IndexFolderError, UnfinishedIndexError
from indexer.loading import Derived, Loader
from indexer.local_view import SCANNED, LocalView
from indexer.lock import WriterLease
from indexer.manifest import Manifest
from indexer.manifest_file import CATALOG, FILE_NAME, read_manifest
from indexer.snapshot import Snapshot, SpaceSnapshot
from indexer.workshop import Workshop

log = logging.getLogger(__name__)

# A view is looked at for news at most this often; see `CatalogStore.view`.
_FRESH_S = 0.5
_OLD_S = 1.0
# How long one view with means that were taken anew since is kept for answers being paged through.
_KEPT_S = 900.0
# A generation of more bytes is loaded beside the searches, which go on in the one before.
_LARGE = 64 * 2**20


@dataclass
class _State:
    """What a view is made of, and the moment it is from."""

    derived: Derived
    live: NDArray[np.bool_]
    deltas: dict[str, Delta]
    change: int


class Follower:
    """Keeps the newest view. Searches may run in many threads; one at a time renews it."""

    def __init__(self, shop: Workshop, manifest: Manifest, lease: WriterLease) -> None:
        self.manifest = manifest
        self._shop, self._lease = shop, lease
        self._columns = Columns(shop.catalog)
        self._renewing = Lock()
        self._state: _State | None = None
        self._view: LocalView | None = None
        self._retired: tuple[LocalView, float] | None = None
        self._arrived: Derived | None = None
        self._under_way: Thread | None = None
        self._looked, self._seen = 0.0, (0, 0, 0)
        self._inode = (shop.folder / CATALOG).stat().st_ino

    @property
    def follows(self) -> bool:
        """Whether anybody has asked for a view yet."""
        return self._view is not None

    def view(self, *, newest: bool = False) -> LocalView:
        """Return the index as it is, or was less than a second ago unless ``newest``.

        Raises IndexFolderError if it cannot be searched yet, or any more.
        """
        found = self._view
        if found and not newest and time.monotonic() - self._looked < _FRESH_S:
            return found
        # Whoever finds a view to answer from need not wait while another thread renews it, unless
        # it is from long ago.
        old = time.monotonic() - self._looked > _OLD_S
        if not self._renewing.acquire(blocking=found is None or newest or old):
            assert found is not None
            return found
        try:
            self._renew()
        finally:
            self._renewing.release()
        assert self._view is not None
        return self._view

    def view_of(self, statistics: str) -> LocalView | None:
        """Return the newest view whose means are known by ``statistics``, if it is still kept."""
        newest, retired = self.view(), self._retired
        kept = [newest, retired[0]] if retired else [newest]
        return next((one for one in kept if one.manifest.statistics == statistics), None)

    def adopt(self, derived: Derived) -> None:
        """Search in a generation that was just made and loaded."""
        with self._renewing:
            self._arrived = derived
            self._renew()

    def close(self) -> None:
        """Wait for a generation that is being loaded."""
        if self._under_way is not None:
            self._under_way.join()

    def _renew(self) -> None:
        looked, seen = time.monotonic(), self._look()
        before = self._view
        if before is None or seen != self._seen or self._arrived is not None:
            if before is None or seen[1:] != self._seen[1:]:
                self._read(read_manifest(self._shop.folder, read_only=self._lease.read_only))
            self._view = self._updated()
        assert self._view is not None
        self._retire(before, self._view)
        self._seen, self._looked = seen, looked

    def _look(self) -> tuple[int, int, int]:
        """Return something that is another once the catalog or the manifest has changed."""
        folder = self._shop.folder
        try:
            manifest, catalog = (folder / FILE_NAME).stat(), (folder / CATALOG).stat()
        except OSError as error:
            raise IndexFolderError(f"index {str(folder)!r} is gone: {error.strerror}") from error
        if catalog.st_ino != self._inode:  # the one that is open here is deleted
            raise IndexFolderError(f"index {str(folder)!r} was replaced by another: open it again")
        return self._shop.catalog.changes(), manifest.st_ino, manifest.st_mtime_ns

    def _read(self, newest: Manifest) -> None:
        """Load the generation of a manifest if it is another, now or beside the searches."""
        self.manifest = newest
        known = self._arrived or (self._state.derived if self._state else None)
        if known is not None and known.manifest.generation == newest.generation:
            return
        loader = Loader(self._shop, newest, self._lease)
        if self._state is None or _bytes_of(self._shop.folder, newest) <= _LARGE:
            self._arrived = loader.load()
        elif self._under_way is None or not self._under_way.is_alive():
            self._under_way = Thread(target=self._load_beside, args=(loader,), name="load")
            self._under_way.start()

    def _load_beside(self, loader: Loader) -> None:
        try:
            while (derived := loader.load()) and not self._take(derived):
                loader = Loader(self._shop, self.manifest, self._lease)
        except Exception:
            # Searches go on in the generation before; the next one that is written is tried again.
            log.exception("generation of %s cannot be loaded", self._shop.folder)

    def _take(self, derived: Derived) -> bool:
        """Let the next view search in ``derived``, or a newer one that is here by now; return
        False if there is a newer one that is not."""
        with self._renewing:
            current = self._arrived or (self._state.derived if self._state else None)
            if current is not None and _number(current.manifest) > _number(derived.manifest):
                return _number(current.manifest) >= _number(self.manifest)
            if _number(derived.manifest) < _number(self.manifest):
                return False
            self._arrived = derived
            return True

    def _updated(self) -> LocalView:
        """Return a view of this moment, made of the one before and what came since."""
        before, catalog = self._state, self._shop.catalog
        news = catalog.news_since(before.change, len(before.live)) if before else None
        goes_on = before is not None and news is not None and self._arrived is None
        derived = self._arrived or (before.derived if before else None)
        assert derived is not None
        if before is None or news is None:
            news, live = catalog.news(), np.zeros(0, np.bool_)
        else:
            live = before.live
        live = _brought_up(live, news)
        self._check_size(derived, live)
        if goes_on and before is not None:
            deltas, added = before.deltas, news.added
        else:
            deltas, added = {}, np.flatnonzero(live[derived.covered :]) + derived.covered
            live = derived.searchable(live)
        added, damaged = self._shop.without_damaged(added)
        live[damaged] = False
        self._arrived = derived  # if this fails half-way, all deltas are made again
        for name in derived.manifest.indexed_spaces:
            delta = deltas.setdefault(name, Delta())
            for slots, vectors in self._shop.vectors(derived.manifest.spaces[name], added):
                delta.append(slots, vectors)
        self._state, self._arrived = _State(derived, live, deltas, news.change), None
        return LocalView(self._snapshot(self._state), self._shop, self._columns)

    def _snapshot(self, state: _State) -> Snapshot:
        derived, spaces = state.derived, {}
        live = np.flatnonzero(state.live) if derived.manifest.is_provisional else None
        for name, space in derived.manifest.spaces.items():
            # Until there are statistics, the few items there are are their own sample.
            reference = (
                derived.references[name] if live is None else self._shop.reference(space, live)
            )
            delta = state.deltas[name].found if name in state.deltas else Delta().found
            spaces[name] = SpaceSnapshot(derived.segments.get(name, ()), delta, reference)
        return Snapshot(derived.manifest, state.live, spaces, state.change)

    def _check_size(self, derived: Derived, live: NDArray[np.bool_]) -> None:
        if derived.manifest.is_provisional and (count := int(live.sum())) > SCANNED:
            raise UnfinishedIndexError(
                f"index {str(self._shop.folder)!r} is unfinished: {count} items are stored, but "
                "its first build has not ended; if it is not running, run it again to go on"
            )

    def _retire(self, before: LocalView | None, after: LocalView) -> None:
        """Keep a view with other means for a while: pages of its answers may still be asked for."""
        now = time.monotonic()
        if before and before.manifest.statistics != after.manifest.statistics:
            self._retired = before, now + _KEPT_S
        elif self._retired and self._retired[1] < now:
            self._retired = None


def _brought_up(live: NDArray[np.bool_], news: News) -> NDArray[np.bool_]:
    """Return which slots are live once ``news`` have come."""
    size = max(news.end, len(live), *(news.added[-1:] + 1).tolist(), 0)
    found = extended(live, size)
    found[news.added] = True
    found[news.gone[news.gone < size]] = False
    return found


def _number(manifest: Manifest) -> int:
    return manifest.generation.number if manifest.generation else 0


def _bytes_of(folder: Path, manifest: Manifest) -> int:
    if manifest.generation is None:
        return 0
    segments = [one for some in manifest.generation.segments.values() for one in some]
    paths = [folder / one.path for one in segments]
    return sum(path.stat().st_size for path in paths if path.is_file())
