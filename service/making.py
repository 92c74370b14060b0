"""Empty indexes made by a running server, in its folder of indexes."""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexer.creation import check_can_create, create_index, is_index
from indexer.database import full_disk_errors
from indexer.errors import CatalogError, IndexFolderError, ReadOnlyError, RecipeMismatchError
from indexer.factory import IndexTypeError
from indexer.manifest import Manifest
from indexer.reduction import ReductionError
from models.errors import HueweaveError, PrecisionError, WeightsError
from service.building import check_same_recipe, plan_index
from service.errors import IndexConflictError, NewIndexError, SettingsError
from service.new_index import NewIndex
from service.opening import Opener
from service.settings import Settings

log = logging.getLogger(__name__)

Plan = Callable[[Settings], tuple[Manifest, object]]
"""From settings to the manifest of an empty index, and what is worth keeping until it is open."""

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True)
class Made:
    """What an index was made with, and whether it is new.

    ``network`` is what was loaded for it, so that opening the index finds it.
    """

    manifest: Manifest
    new: bool
    network: object = None


class Maker:
    """Makes empty indexes as ``settings`` say where it is not asked otherwise."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings, self._plan = settings, plan

    def __call__(self, folder: Path, wanted: NewIndex) -> Made:
        """Make the index in ``folder``, unless it is one that was made like this.

        Raises NewIndexError for values that no index can have, IndexConflictError if the folder
        holds something else, there are no weights or the server runs in int8, ReadOnlyError,
        DiskFullError.
        """
        if self._settings.read_only:
            raise ReadOnlyError("the server is read-only: it makes no index")
        asked = self._settings.model_copy(update=wanted.model_dump(exclude_none=True))
        with _told(folder, self._settings):
            if is_index(folder):
                # The server's weights are for what it makes: this one names its own.
                same = asked.model_copy(update={"weights": None})
                return Made(check_same_recipe(folder, same), new=False)
            check_can_create(folder)
            manifest, network = self._plan(asked)
            with _disk_errors(folder):
                folder.mkdir(exist_ok=True)
                create_index(folder, manifest)
        log.info("index %s was made, with %s", folder.name, manifest.recipe.backbone)
        return Made(manifest, new=True, network=network)


def planner(opener: Opener) -> Plan:
    """Return what plans indexes with networks that ``opener`` has, or has from then on."""

    def plan(settings: Settings) -> tuple[Manifest, object]:
        with opener.watching() as progress:
            manifest, loaded = plan_index(settings, log.warning, progress, opener.known())
        return manifest, opener.adopt(manifest, loaded.extractor)

    return plan


@contextmanager
def _told(folder: Path, settings: Settings) -> Iterator[None]:
    """Raise what whoever asks for an index can mend in terms of an index, not of folders."""
    try:
        yield
    except (SettingsError, IndexTypeError, ReductionError) as error:
        raise NewIndexError(str(error)) from error
    except (CatalogError, ReadOnlyError):  # the server's own trouble, though of a folder
        raise
    except (RecipeMismatchError, IndexFolderError, WeightsError, PrecisionError) as error:
        log.warning("index %s is not made: %s", folder.name, error)
        raise IndexConflictError(_without_folders(error, folder, settings)) from error


def _without_folders(error: HueweaveError, folder: Path, settings: Settings) -> str:
    """Return what an error says, but for where things lie on the server."""
    text = str(error).replace(f"{folder.parent}/", "")
    if settings.weights:
        text = text.replace(f"{Path(settings.weights).expanduser().absolute().parent}/", "")
    return text


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Raise what the disk says of a new folder as DiskFullError, ReadOnlyError and the like."""
    try:
        with full_disk_errors(folder.parent):
            try:
                yield
            except IndexFolderError as error:
                if isinstance(error.__cause__, OSError):
                    raise error.__cause__ from None
                raise
    except FileExistsError as error:  # a link that leads nowhere
        raise IndexFolderError(f"{str(folder)!r} is no folder") from error
    except OSError as error:
        if error.errno in _READ_ONLY:
            raise ReadOnlyError(f"cannot make {str(folder)!r}: {error.strerror}") from error
        raise
