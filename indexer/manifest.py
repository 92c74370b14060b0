"""The manifest: schema version, recipe, spaces with their statistics, attributes, generation."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from indexer.errors import IndexBusyError, IndexFolderError, SchemaError
from indexer.files import write_durably
from indexer.lock import writer_lock
from indexer.pools import PoolFormat
from indexer.spaces import Space, block_space_name
from models.errors import BlockError, UnknownNameError
from models.extraction import PoolName, parse_pool_kind
from models.recipe import Recipe

FILE_NAME = "manifest.json"
SCHEMA_VERSION = 2

Document = dict[str, Any]
MIGRATIONS: dict[int, Callable[[Document], Document]] = {
    # Told apart by when and from what they were made, before indexes had an identity.
    1: lambda old: {**old, "identity": _fingerprint([old["created"], old["recipe"]])},
}
"""From a schema version to the function that turns its document into the next version's."""


@dataclass(frozen=True)
class DerivedFile:
    """A file below ``spaces/`` that can be made again from raw pools, known by its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Generation:
    """One state of the derived files: all live slots below ``slots`` are in the segments.

    ``statistics_items`` is how many items the means and the reference sample were taken from,
    ``vectors`` how many each space's segments hold, deleted ones included.
    """

    number: int
    slots: int
    statistics_items: int
    vectors: int
    segments: dict[str, list[DerivedFile]]
    references: dict[str, DerivedFile]


@dataclass(frozen=True)
class Manifest:
    """Everything about an index but its items."""

    created: str
    preset: str
    recipe: Recipe
    blocks: tuple[int, ...]
    pools: dict[PoolName, int]
    pool_format: PoolFormat
    spaces: dict[str, Space]
    attributes: dict[str, str]
    index_type: str = "Flat"
    generation: Generation | None = None
    identity: str = field(default_factory=lambda: uuid4().hex)
    schema_version: int = field(default=SCHEMA_VERSION)

    @cached_property
    def statistics(self) -> str:
        """What the means are known by: similarities compare only between equal ones."""
        return _fingerprint([[name, space.mean] for name, space in self.spaces.items()])

    @property
    def indexed_spaces(self) -> list[str]:
        """The spaces that attributes are bound to, each once."""
        return list(dict.fromkeys(self.attributes.values()))

    def space_of_attribute(self, name: str) -> Space:
        """Return the space an attribute searches; raises UnknownNameError naming those there."""
        if name not in self.attributes:
            raise UnknownNameError("attribute", name, self.attributes)
        return self.spaces[self.attributes[name]]

    def space_of_block(self, block: int) -> Space:
        """Return the space of a block, pooled everywhere; raises BlockError naming those there."""
        if block not in self.blocks:
            raise BlockError(
                f"block {block} is not in this index: it stores blocks "
                f"{', '.join(map(str, self.blocks))}"
            )
        return self.spaces[block_space_name(block)]

    def dimension(self, space: Space) -> int:
        """Return how many numbers a vector of ``space`` has."""
        return sum(self.pools[pool] for pool in space.pools)

    def with_generation(self, generation: Generation, spaces: Mapping[str, Space]) -> "Manifest":
        """Return a manifest that names a new generation and its spaces' statistics."""
        return replace(self, generation=generation, spaces=dict(spaces))


def _fingerprint(values: object) -> str:
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an index, migrated if it is an older one (a copy is kept).

    Raises IndexFolderError if ``folder`` is no index, SchemaError for a newer schema.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise IndexFolderError(f"no index at {str(folder)!r}: make one with `hueweave build`")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = int(document["schema_version"])
    except FileNotFoundError:
        raise IndexFolderError(f"{str(folder)!r} is not an index: it has no {FILE_NAME}") from None
    except OSError as error:
        raise IndexFolderError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise IndexFolderError(f"{str(path)!r} is damaged: {error!r}") from error
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"index {str(folder)!r} has schema version {version}, this release reads up to "
            f"{SCHEMA_VERSION}: upgrade hueweave"
        )
    try:
        manifest = _from_document(migrate(document, version))
    except (KeyError, TypeError, ValueError, AttributeError, UnknownNameError) as error:
        raise IndexFolderError(f"{str(path)!r} is damaged: {error!r}") from error
    if version < SCHEMA_VERSION:
        _keep_migrated(folder, version, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest on disk, whole or not at all."""
    text = json.dumps(_to_document(manifest), indent=1, ensure_ascii=False)
    write_durably(folder / FILE_NAME, lambda path: _write_bytes(path, text.encode()))


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


def _keep_migrated(folder: Path, version: int, manifest: Manifest) -> None:
    """Store a migrated manifest beside a copy of the old one, unless somebody is writing."""
    path = folder / FILE_NAME
    # A folder that cannot be written to, or is being written, is migrated in memory each time.
    with suppress(IndexBusyError, IndexFolderError, OSError), writer_lock(folder):
        old = path.read_bytes()
        if json.loads(old)["schema_version"] == version:
            copy = path.with_name(f"manifest.v{version}.json")
            write_durably(copy, lambda partial: _write_bytes(partial, old))
            write_manifest(folder, manifest)


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _to_document(manifest: Manifest) -> Document:
    document = asdict(manifest)
    document["recipe"] = manifest.recipe.to_document()
    document["pools"] = {str(name): width for name, width in manifest.pools.items()}
    for name, space in manifest.spaces.items():
        document["spaces"][name]["pools"] = [str(pool) for pool in space.pools]
    return document


def _from_document(document: Document) -> Manifest:
    values = dict(document)
    values["recipe"] = Recipe.from_document(values["recipe"])
    values["blocks"] = tuple(values["blocks"])
    values["pools"] = {_pool(name): width for name, width in values["pools"].items()}
    values["spaces"] = {name: _space(space) for name, space in values["spaces"].items()}
    if values["generation"] is not None:
        values["generation"] = _generation(values["generation"])
    for name in values["attributes"].values():
        values["spaces"][name]  # an attribute without its space is damage, too
    values["identity"]  # so is a lost identity: another would be made up at each reading
    return Manifest(**values)


def _pool(text: str) -> PoolName:
    block, _, kind = text.partition("-")
    return PoolName(int(block), parse_pool_kind(kind))


def _space(document: Document) -> Space:
    mean = document["mean"]
    return Space(
        **{
            **document,
            "pools": tuple(_pool(pool) for pool in document["pools"]),
            "mean": None if mean is None else tuple(mean),
        }
    )


def _generation(document: Document) -> Generation:
    segments = {
        name: [DerivedFile(**one) for one in files] for name, files in document["segments"].items()
    }
    references = {name: DerivedFile(**one) for name, one in document["references"].items()}
    return Generation(**{**document, "segments": segments, "references": references})
