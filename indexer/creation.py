"""Making an index: an empty folder becomes one at one moment, or not at all."""

from contextlib import closing
from pathlib import Path

from indexer.catalog import Catalog
from indexer.errors import IndexBusyError, IndexFolderError
from indexer.files import sync_folder
from indexer.lock import LOCK_NAME, writer_lock
from indexer.manifest import Manifest
from indexer.manifest_file import CATALOG, FILE_NAME, write_manifest
from indexer.networks import NETWORKS, drop_networks, write_network
from indexer.pools import POOLS

# What an index whose making was cut short may have left, and what a file system of its own has.
_BEFORE_MANIFEST = {
    *(CATALOG + end for end in ("", "-wal", "-shm", "-journal")),
    *(POOLS, NETWORKS, LOCK_NAME, f".{FILE_NAME}.partial", "lost+found"),
}


def is_index(folder: Path) -> bool:
    """Return whether ``folder`` holds an index."""
    return (folder / FILE_NAME).is_file()


def check_can_create(folder: Path) -> None:
    """Raise IndexFolderError unless ``folder`` is absent, empty, or an index already."""
    if folder.is_dir() and not is_index(folder) and not _is_unfinished(folder):
        raise IndexFolderError(
            f"{str(folder)!r} is not an index and not empty: name a new or empty folder"
        )
    if folder.exists() and not folder.is_dir():
        raise IndexFolderError(f"{str(folder)!r} is a file: name a folder for the index")


def create_index(folder: Path, manifest: Manifest, network: bytes | None = None) -> None:
    """Make an empty index in ``folder``; the manifest comes last, so it is whole or none.

    ``network`` is the file of the int8 network that the manifest's recipe names.
    """
    check_can_create(folder)
    try:
        (folder / POOLS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexFolderError(
            f"cannot make an index at {str(folder)!r}: {error.strerror}"
        ) from error
    with writer_lock(folder):
        if is_index(folder):
            raise IndexBusyError(
                f"{str(folder)!r} has just been made an index by another process: "
                "run the same command again to go on with it"
            )
        drop_networks(folder)  # of a making that was cut short
        if network is not None:
            write_network(folder, network)
        with closing(Catalog(folder / CATALOG, writable=True)) as catalog:
            write_manifest(folder, manifest, catalog)
    sync_folder(folder.absolute().parent)


def _is_unfinished(folder: Path) -> bool:
    """Return whether all there is comes from an index whose making was cut short."""
    return {found.name for found in folder.iterdir()} <= _BEFORE_MANIFEST and not any(
        (folder / POOLS).glob("*")
    )
