"""The manifest: recipe, spaces with their statistics, attributes, generation."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from uuid import uuid4

from indexer.pools import PoolFormat
from indexer.space_documents import Document, parse_pool, read_space, space_document
from indexer.spaces import Space, block_space_name
from indexer.tuning import Tuning
from models.errors import BlockError, UnknownNameError
from models.extraction import PoolName
from models.recipe import Recipe

SCHEMA_VERSION = 5


@dataclass(frozen=True)
class DerivedFile:
    """A file below ``spaces/`` that can be made again from raw pools, known by its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class SegmentFile(DerivedFile):
    """A segment's file, the one of its halves, and how it is searched, if that was measured."""

    halves: DerivedFile | None = None
    tuning: Tuning | None = None

    @property
    def files(self) -> list[DerivedFile]:
        """All files of the segment."""
        return [self, self.halves] if self.halves else [self]


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
    segments: dict[str, list[SegmentFile]]
    references: dict[str, DerivedFile]

    @property
    def files(self) -> list[DerivedFile]:
        """All derived files."""
        found = [file for some in self.segments.values() for one in some for file in one.files]
        return [*found, *self.references.values()]


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
    profile: str = "small"
    recall: float = 0.97
    reduce: str = "none"
    first_bound: dict[str, str] = field(default_factory=dict)
    generation: Generation | None = None
    identity: str = field(default_factory=lambda: uuid4().hex)
    schema_version: int = field(default=SCHEMA_VERSION)

    @cached_property
    def statistics(self) -> str:
        """What the layers of all spaces are known by: similarities compare only between equal
        ones."""
        return fingerprint(
            [[name, [one.digest for one in space.layers]] for name, space in self.spaces.items()]
        )

    @property
    def original(self) -> dict[str, Space]:
        """The spaces that attributes had before any was bound anew: they are kept."""
        names = self.first_bound or self.attributes
        return {attribute: self.spaces[name] for attribute, name in names.items()}

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
        return space.dimension(self.pools)

    @property
    def is_provisional(self) -> bool:
        """Whether this index has no statistics yet, and spaces are searched without a mean."""
        return self.generation is None

    def provisional(self) -> "Manifest":
        """Return a manifest whose spaces can be searched though there are no statistics."""
        spaces = {name: space.provisional() for name, space in self.spaces.items()}
        return replace(self, spaces=spaces)

    def with_attributes(self, bound: Mapping[str, Space]) -> "Manifest":
        """Return a manifest in which each attribute of ``bound`` searches in its space.

        A space that is here by another name keeps it; other spaces that nothing searches any more
        are dropped, but for those that attributes had at first. Raises
        UnknownNameError for a pool that is not stored.
        """
        spaces, attributes = dict(self.spaces), dict(self.attributes)
        for attribute, space in bound.items():
            for pool in space.pools:
                if pool not in self.pools:
                    raise UnknownNameError("pool", pool, map(str, self.pools))
            same = [one.name for one in spaces.values() if one.is_like(space)]
            name = same[0] if same else _free_name(space.name, spaces)
            if not same:
                spaces[name] = replace(space, name=name)
            attributes[attribute] = name
        first = self.first_bound or (self.attributes if attributes != self.attributes else {})
        used = {*attributes.values(), *first.values(), *map(block_space_name, self.blocks)}
        kept = {name: space for name, space in spaces.items() if name in used}
        return replace(self, spaces=kept, attributes=attributes, first_bound=first)

    def with_generation(self, generation: Generation, spaces: Mapping[str, Space]) -> "Manifest":
        """Return a manifest that names a new generation and its spaces' statistics."""
        return replace(self, generation=generation, spaces=dict(spaces))


def _free_name(wanted: str, taken: Mapping[str, Space]) -> str:
    # A name is a folder's, too, whose definition never changes.
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def fingerprint(values: object) -> str:
    """Return a short digest of values that JSON can hold."""
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def to_document(manifest: Manifest) -> Document:
    """Return a manifest as JSON holds it."""
    document = asdict(replace(manifest, spaces={}))
    document["recipe"] = manifest.recipe.to_document()
    document["pools"] = {str(name): width for name, width in manifest.pools.items()}
    document["spaces"] = {name: space_document(one) for name, one in manifest.spaces.items()}
    return document


def from_document(document: Document) -> Manifest:
    """Return the manifest in a document; raises KeyError, TypeError, ValueError, AttributeError or
    UnknownNameError if it is damaged."""
    values = dict(document)
    values["recipe"] = Recipe.from_document(values["recipe"])
    values["blocks"] = tuple(values["blocks"])
    values["pools"] = {parse_pool(name): width for name, width in values["pools"].items()}
    values["spaces"] = {name: read_space(space) for name, space in values["spaces"].items()}
    if values["generation"] is not None:
        values["generation"] = _generation(values["generation"])
    for name in (*values["attributes"].values(), *values.get("first_bound", {}).values()):
        values["spaces"][name]  # an attribute without its space is damage, too
    values["identity"]  # so is a lost identity: another would be made up at each reading
    return Manifest(**values)


def _generation(document: Document) -> Generation:
    segments = {
        name: [_segment_file(one) for one in files] for name, files in document["segments"].items()
    }
    references = {name: DerivedFile(**one) for name, one in document["references"].items()}
    return Generation(**{**document, "segments": segments, "references": references})


def _segment_file(document: Document) -> SegmentFile:
    halves, tuning = document.get("halves"), document.get("tuning")
    return SegmentFile(
        document["path"],
        document["sha256"],
        DerivedFile(**halves) if halves else None,
        Tuning(**tuning) if tuning else None,
    )
