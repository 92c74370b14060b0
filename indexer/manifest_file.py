"""The manifest on disk: sealed, migrated from older releases, healed from the catalog's copy."""

import json
import logging
from collections.abc import Callable
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path

from indexer.catalog import Catalog
from indexer.errors import IndexBusyError, IndexFolderError, SchemaError
from indexer.files import write_durably
from indexer.lock import writer_lock
from indexer.manifest import (
    SCHEMA_VERSION,
    Manifest,
    fingerprint,
    from_document,
    to_document,
)
from indexer.planning import RECALLS
from indexer.space_documents import Document, migrate_space
from models.errors import UnknownNameError

log = logging.getLogger(__name__)

FILE_NAME = "manifest.json"
CATALOG = "catalog.sqlite"
_COPY, _SEAL = "manifest", "sha256"


def _migrate_spaces(old: Document) -> Document:
    widths = old["pools"]
    return {name: migrate_space(space, widths) for name, space in old["spaces"].items()}


MIGRATIONS: dict[int, Callable[[Document], Document]] = {
    # Told apart by when and from what they were made, before indexes had an identity.
    1: lambda old: {**old, "identity": fingerprint([old["created"], old["recipe"]])},
    2: lambda old: old,  # since then it is sealed
    3: lambda old: {**old, "spaces": _migrate_spaces(old)},  # spaces had one branch a pool
    # Since then segments may have halves, and index types may be chosen.
    4: lambda old: {**old, "profile": "small", "recall": RECALLS["small"]},
}
"""From a schema version to the function that turns its document into the next version's."""


class DamagedManifestError(IndexFolderError):
    """A manifest that is not what was written."""


def read_manifest(folder: Path, *, read_only: bool = False) -> Manifest:
    """Return the manifest of an index, migrated if it is an older one (a copy is kept).

    One that is damaged is taken from the copy in the catalog. Either is written again, unless
    ``read_only``. Raises
    IndexFolderError if ``folder`` is no index or the copy is damaged, too, SchemaError for a newer
    schema.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise IndexFolderError(f"no index at {str(folder)!r}: make one with `hueweave build`")
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise IndexFolderError(f"{str(folder)!r} is not an index: it has no {FILE_NAME}") from None
    except OSError as error:
        raise IndexFolderError(f"cannot read {str(path)!r}: {error.strerror}") from error
    try:
        manifest, version = _parse(text, path)
    except DamagedManifestError as error:
        return _healed(folder, error, read_only)
    if version < SCHEMA_VERSION and not read_only:
        _keep_migrated(folder, version, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest, catalog: Catalog | None = None) -> None:
    """Replace the manifest on disk, whole or not at all, and its copy in ``catalog`` before."""
    text = _sealed(to_document(manifest))
    if catalog is not None:
        with catalog.transaction():
            catalog.put_document(_COPY, text)
    _write(folder / FILE_NAME, text.encode())


def manifest_copy(catalog: Catalog) -> Manifest | None:
    """Return the catalog's copy of the manifest, if it has one that is sound."""
    text = catalog.document(_COPY)
    if text is None:
        return None
    with suppress(IndexFolderError):
        return _parse(text.encode(), catalog.path.with_name(FILE_NAME))[0]
    return None


def check_copy(catalog: Catalog) -> str | None:
    """Return what is wrong with the catalog's copy of the manifest, None if nothing is."""
    if catalog.document(_COPY) is None or manifest_copy(catalog) is not None:
        return None  # an index of an older release has none
    return "its copy of the manifest is damaged"


def check_manifest(folder: Path) -> str | None:
    """Return what is wrong with the file, None if nothing is; nothing is healed."""
    path = folder / FILE_NAME
    try:
        _parse(path.read_bytes(), path)
    except (OSError, IndexFolderError) as error:
        return str(error)
    return None


def migrate(document: Document, version: int) -> Document:
    """Return ``document`` brought from ``version`` to SCHEMA_VERSION, one step at a time.

    Raises SchemaError for a version that no step starts from.
    """
    while version < SCHEMA_VERSION:
        if version not in MIGRATIONS:
            raise SchemaError(
                f"schema version {version} cannot be migrated: known are "
                f"{', '.join(map(str, (*MIGRATIONS, SCHEMA_VERSION)))}"
            )
        document = MIGRATIONS[version](document)
        version += 1
        document["schema_version"] = version
    return document


def _parse(text: bytes, path: Path) -> tuple[Manifest, int]:
    """Return the manifest in a file, and the schema version that it was written in."""
    try:
        document = json.loads(text)
        version = int(document["schema_version"])
        seal = document.pop(_SEAL, None)
        if version > SCHEMA_VERSION:
            raise SchemaError(
                f"index {str(path.parent)!r} has schema version {version}, this release reads up "
                f"to {SCHEMA_VERSION}: upgrade hueweave"
            )
        if version == SCHEMA_VERSION and seal != _digest(document):
            raise ValueError("its SHA-256 is another than it says")
        return from_document(migrate(document, version)), version
    except (KeyError, TypeError, ValueError, AttributeError, UnknownNameError) as error:
        raise DamagedManifestError(f"{str(path)!r} is damaged: {error!r}") from error


def _healed(folder: Path, damage: DamagedManifestError, read_only: bool) -> Manifest:
    try:
        with closing(Catalog(folder / CATALOG, read_only=read_only)) as catalog:
            manifest = manifest_copy(catalog)
    except IndexFolderError:
        manifest = None
    if manifest is None:
        raise damage
    log.warning("%s; taking the catalog's copy of it", damage)
    if read_only:
        return manifest
    # A folder that cannot be written to, or is being written, is healed in memory each time.
    with suppress(IndexBusyError, IndexFolderError, OSError), writer_lock(folder):
        if check_manifest(folder):
            write_manifest(folder, manifest)
    return manifest


def _keep_migrated(folder: Path, version: int, manifest: Manifest) -> None:
    """Store a migrated manifest beside a copy of the old one, unless somebody is writing."""
    path = folder / FILE_NAME
    # A folder that cannot be written to, or is being written, is migrated in memory each time.
    with suppress(IndexBusyError, IndexFolderError, OSError), writer_lock(folder):
        old = path.read_bytes()
        if json.loads(old)["schema_version"] == version:
            _write(path.with_name(f"manifest.v{version}.json"), old)
            with closing(Catalog(folder / CATALOG)) as catalog:
                write_manifest(folder, manifest, catalog)


def _write(path: Path, data: bytes) -> None:
    def write(partial: Path) -> None:
        partial.write_bytes(data)

    write_durably(path, write)


def _sealed(document: Document) -> str:
    return json.dumps({**document, _SEAL: _digest(document)}, indent=1, ensure_ascii=False)


def _digest(document: Document) -> str:
    # Through JSON and back first: tuples and keys that are no text are written otherwise.
    plain = json.loads(json.dumps(document))
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
