"""Backup of an index in use, and its way back. A backup is an index folder itself.

As a rule no lock is held: a copy of the catalog is of one moment, rows of pools are never changed
once they are written, and an original that was removed before it could be copied belongs to an item
that the next copy of the catalog does not have any more, so they go on until nothing is missing.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from indexer.catalog import Catalog
from indexer.database import full_disk_errors, sqlite_errors
from indexer.errors import BackupError, IndexFolderError
from indexer.files import digest_file, sync_file, sync_folder
from indexer.loading import check_derived
from indexer.local import LocalStore
from indexer.lock import LOCK_NAME
from indexer.manifest import Manifest
from indexer.manifest_file import CATALOG, read_manifest, write_manifest
from indexer.media import Media, is_media
from indexer.networks import NETWORKS, read_network, write_network
from indexer.pools import POOLS, PoolStore
from indexer.spaces import iterate

# Each round copies what came since the one before, so the last of them is short.
_ROUNDS = 4
_PATIENCE_S = 60.0
_CHUNK = 8 * 2**20


@dataclass(frozen=True)
class Saved:
    """What a backup holds: items, and bytes of originals copied."""

    items: int
    media_bytes: int


def back_up(store: LocalStore, target: Path) -> Saved:
    """Copy an index that may be in use into the new folder ``target``, whole or not at all.

    Raises BackupError if the folder is there already or would lie in the index, or if what is
    copied is damaged.
    """
    _check_outside(target, store.folder)
    with _aside(target) as folder, full_disk_errors(target):
        for _ in range(_ROUNDS):
            if saved := _round(store, folder):
                return saved
        # Others replace items faster than they can be copied: the rest is little, and they wait.
        with store.lease.held(_PATIENCE_S):
            if saved := _round(store, folder):
                return saved
    raise BackupError("the index changed though it was locked: is it on a file system without?")


def _round(store: LocalStore, folder: Path) -> Saved | None:
    """Copy what is not in ``folder`` yet; return what is there, None if something was lost
    meanwhile."""
    # Before the catalog: a generation may have fewer items than the catalog, but not more.
    manifest = read_manifest(store.folder, read_only=True)
    _copy_network(store.folder, folder, manifest)
    _copy_catalog(store.catalog, folder / CATALOG)
    with closing(Catalog(folder / CATALOG)) as catalog:
        _copy_pools(store, folder, catalog.next_slot())
        lost, copied = _copy_media(store, folder, catalog)
        lost += _damaged(folder, catalog, manifest)
        if not lost:
            saved = _finish(folder, catalog, manifest, copied)
        damaged = [key for key in lost if store.item(key) == catalog.item(key)]
    if damaged:  # and not just gone since the catalog was copied
        raise BackupError(
            f"{damaged[0]!r} is damaged in the index, its picture or its pools: "
            "`hueweave verify --repair` first"
        )
    if lost:
        return None
    if not _copy_spaces(store, folder, manifest):
        _make_derived(folder)
    return saved


def restore(backup: Path, target: Path) -> None:
    """Copy a backup, which was found sound, into the new folder ``target``, whole or not at all.

    Raises BackupError if the folder is there already, or would lie in the backup.
    """
    read_manifest(backup, read_only=True)
    _check_outside(target, backup)
    with _aside(target) as folder, full_disk_errors(target):
        shutil.copytree(backup, folder, dirs_exist_ok=True)
        for path in folder.rglob("*"):
            (sync_folder if path.is_dir() else sync_file)(path)


def _check_outside(target: Path, folder: Path) -> None:
    inner, outer = target.resolve(), folder.resolve()
    if outer in inner.parents:
        raise BackupError(f"{str(target)!r} lies in {str(folder)!r}: name a folder outside of it")


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """Yield a folder beside ``target`` that takes its place if the body succeeds."""
    target = target.absolute()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BackupError(f"{str(target)!r} is there already: name a new or empty folder")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of one that was stopped
    try:
        partial.mkdir(parents=True)
        yield partial
        sync_folder(partial)
        partial.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupError(f"cannot write {str(target)!r}: {error.strerror}") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _copy_network(source: Path, folder: Path, manifest: Manifest) -> None:
    digest = manifest.recipe.quantized
    if digest is None or (folder / NETWORKS).is_dir():
        return
    try:
        write_network(folder, read_network(source, digest))
    except IndexFolderError as error:
        raise BackupError(str(error)) from error


def _copy_catalog(catalog: Catalog, path: Path) -> None:
    path.unlink(missing_ok=True)
    with sqlite_errors(path), catalog.reading() as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        # Without a log beside it, so that it opens on a medium that cannot be written to.
        copy.execute("PRAGMA journal_mode=DELETE")


def _copy_pools(store: LocalStore, folder: Path, rows: int) -> None:
    """Copy rows of pools up to ``rows``, going on where the round before ended."""
    (folder / POOLS).mkdir(exist_ok=True)
    for file in store.pool_files.values():
        copy = folder / POOLS / file.path.name
        end = rows * file.stride
        with file.path.open("rb") as source, copy.open("ab") as target:
            source.seek(target.tell())
            while (left := end - target.tell()) > 0:
                data = source.read(min(left, _CHUNK))
                if not data:
                    raise BackupError(f"{str(file.path)!r} is too short: `hueweave verify` first")
                target.write(data)
        sync_file(copy)


def _copy_media(store: LocalStore, folder: Path, catalog: Catalog) -> tuple[list[str], int]:
    """Copy originals that are not there yet; return keys of items whose are lost, and bytes."""
    media, lost, copied = Media(folder), [], 0
    for item in catalog.items():
        if not is_media(item.source):
            continue
        path = media.locate(item.source)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):
                shutil.copyfile(store.locate(item), path)
                sync_file(path)
            # What an earlier round has copied was read then.
            if not path.is_file() or digest_file(path) != item.digest:
                path.unlink(missing_ok=True)
                lost.append(item.key)
                continue
        copied += item.size
    return lost, copied


def _damaged(folder: Path, catalog: Catalog, manifest: Manifest) -> list[str]:
    """Return keys of items whose rows of pools are not what was written."""
    pools = PoolStore(folder / POOLS, manifest.pools, manifest.pool_format)
    found: list[str] = []
    for run in iterate(catalog.live_slots()):
        slots = [*pools.damaged(run, catalog.checksums(run))]
        found += [item.key for item in catalog.items_in(slots).values()]
    return found


def _finish(folder: Path, catalog: Catalog, manifest: Manifest, copied: int) -> Saved:
    _remove_orphans(folder, catalog)
    for path in [folder / CATALOG, *folder.glob("media/*"), *folder.glob("media")]:
        sync_file(path)
    write_manifest(folder, manifest)
    sync_folder(folder / POOLS)
    return Saved(catalog.count(), copied)


def _remove_orphans(folder: Path, catalog: Catalog) -> None:
    media = Media(folder)
    for source in [*media.orphans(catalog.holds)]:
        media.locate(source).unlink()


def _copy_spaces(store: LocalStore, folder: Path, manifest: Manifest) -> bool:
    """Copy the derived files; return whether all of them were there, and sound."""
    generation = manifest.generation
    if generation is None:
        return True
    whole = True
    for file in generation.files:
        copy = folder / file.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(store.folder / file.path, copy)
            check_derived(folder, file)
            sync_file(copy)
        except (OSError, IndexFolderError):
            copy.unlink(missing_ok=True)
            whole = False
    return whole


def _make_derived(folder: Path) -> None:
    """Make again, from the backup's own pools, derived files that were damaged or that a newer
    generation had replaced before they could be copied."""
    with closing(LocalStore(folder)) as made:
        made.view()
    (folder / LOCK_NAME).unlink(missing_ok=True)
    with sqlite_errors(folder / CATALOG), closing(sqlite3.connect(folder / CATALOG)) as catalog:
        catalog.execute("PRAGMA journal_mode=DELETE")
