"""Folders of small indexes, opened with the fake network, and a record of what was opened."""

from pathlib import Path

from indexer.local import LocalStore
from indexer.manifest import Manifest
from indexer.spaces import parse_metric
from models.backbones import AUTO
from models.images import Limits
from service.indexes import Indexes
from service.making import Maker
from service.opening import Opened
from service.places import RootPlace
from service.search import Searcher
from service.settings import Settings, load_settings, parse_blocks
from tests.fakes import FakeExtractor, build_fake, manifest, random_colors, write_pictures


def make_root(folder: Path, **counts: int) -> Path:
    """Make a folder of indexes with so many items each, in ``folder`` / ``root``.

    An underscore in a name stands for a hyphen. Keys are ``NAME/000.png`` and so on.
    """
    root = folder / "root"
    root.mkdir()
    for seed, (given, count) in enumerate(counts.items()):
        name = given.replace("_", "-")
        colors = random_colors(count, seed)
        write_pictures(folder / name, {f"{name}/{key}": color for key, color in colors.items()})
        build_fake(root / name, folder / name)
    return root


class Recorder:
    """Opens indexes with the fake network; knows which are open, by name, and how often each was
    closed."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    @property
    def open_now(self) -> list[str]:
        left = list(self.opened)
        for name in self.closed:
            left.remove(name)  # one that is closed twice is no longer there
        return sorted(left)

    def __call__(self, folder: Path) -> Opened:
        recorder = self

        class Recorded(Opened):
            def close(self) -> None:
                super().close()
                recorder.closed.append(folder.name)

        store = LocalStore(folder)
        store.view()
        self.opened.append(folder.name)
        return Recorded(store, Searcher(store, FakeExtractor(), Limits()), Limits())


def plan_fake(settings: Settings) -> tuple[Manifest, object]:
    """Plan an index for the fake network, whatever backbone is asked for."""
    blocks = "1-4" if settings.blocks == AUTO else settings.blocks
    planned = manifest(
        preset=settings.preset,
        blocks=parse_blocks(blocks),
        metric=parse_metric(settings.metric),
        index_type=settings.index_type,
    )
    return planned, None


def root_indexes(root: Path, recorder: Recorder | None = None) -> Indexes:
    """Return the indexes of ``root``, none open yet; others can be made."""
    maker = Maker(load_settings(), plan_fake)
    return Indexes(RootPlace(root), recorder or Recorder(), maker)
