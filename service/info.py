"""What an index is and holds: the answer of `hueweave info` and of GET /v1/index."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from indexer.generations import ENOUGH
from indexer.manifest import Manifest
from indexer.records import Failure
from indexer.store import CatalogStore
from models.recipe import INT8


class TuningInfo(BaseModel):
    """What FAISS made of a segment, how many lists or steps a search reads, how many candidates it
    ranks again in half precision, and which share of the ten nearest that found."""

    index_type: str
    effort: int
    candidates: int
    recall: float


class SpaceInfo(BaseModel):
    """A space: what it is made of and whether FAISS segments make it fast.

    ``methods`` are plain, centred, whitened or learned, one a branch.
    """

    name: str
    dimension: int
    pools: list[str]
    rooted: list[str] = Field(description="The pools of which square roots are taken.")
    methods: list[str]
    metric: str
    indexed: bool
    segments: list[TuningInfo] = Field(description="How each segment is searched, if it was tuned.")


class FailureInfo(BaseModel):
    """A picture that could not be read, and why."""

    key: str
    source: str
    reason: str


class ColumnInfo(BaseModel):
    """A metadata column."""

    name: str
    type: str
    indexed: bool


class StatisticsInfo(BaseModel):
    """What means and scores go by: how many ``items`` they were taken from.

    A ``provisional`` index has none yet: it has not come to hold ``enough`` items.
    """

    items: int
    provisional: bool
    enough: int = ENOUGH


class IndexInfo(BaseModel):
    """An index at a glance."""

    items: int
    failures: int
    backbone: str
    weights: str
    weights_sha256: str
    recipe_sha256: str
    precision: str = Field(
        description="int8, or floats: float32 or bfloat16, which serve the same index."
    )
    network_sha256: str | None = Field(description="The int8 network, which the index keeps.")
    preset: str
    blocks: list[int]
    attributes: dict[str, str]
    spaces: list[SpaceInfo]
    index_type: str
    profile: str
    recall: float
    reduce: str
    pool_format: str
    generation: int | None
    statistics: StatisticsInfo
    created: str
    schema_version: int
    columns: list[ColumnInfo]
    bytes_on_disk: dict[str, int]


def describe(store: CatalogStore) -> IndexInfo:
    """Return what there is to say about an index without loading its network."""
    manifest = store.manifest
    return IndexInfo(
        items=store.count(),
        failures=store.failure_count(),
        backbone=manifest.recipe.backbone,
        weights=manifest.recipe.weights,
        weights_sha256=manifest.recipe.weights_sha256,
        recipe_sha256=manifest.recipe.digest,
        precision=INT8 if manifest.recipe.quantized else "floats",
        network_sha256=manifest.recipe.quantized,
        preset=manifest.preset,
        blocks=list(manifest.blocks),
        attributes=manifest.attributes,
        spaces=[
            SpaceInfo(
                name=space.name,
                dimension=manifest.dimension(space),
                pools=[str(pool) for pool in space.pools],
                rooted=[str(pool) for pool in space.pools if space.roots(pool)],
                methods=list(dict.fromkeys(branch.method for branch in space.branches)),
                metric=space.metric,
                indexed=space.name in manifest.indexed_spaces,
                segments=_segments(manifest, space.name),
            )
            for space in manifest.spaces.values()
        ],
        index_type=manifest.index_type,
        profile=manifest.profile,
        recall=manifest.recall,
        reduce=manifest.reduce,
        pool_format=manifest.pool_format,
        generation=manifest.generation.number if manifest.generation else None,
        statistics=StatisticsInfo(
            items=manifest.generation.statistics_items if manifest.generation else 0,
            provisional=manifest.is_provisional,
        ),
        created=manifest.created,
        schema_version=manifest.schema_version,
        columns=[
            ColumnInfo(name=name, type=kind, indexed=indexed)
            for name, (kind, indexed) in store.columns().items()
        ],
        bytes_on_disk=store.sizes(),
    )


def _segments(manifest: Manifest, space: str) -> list[TuningInfo]:
    files = manifest.generation.segments.get(space, []) if manifest.generation else []
    return [TuningInfo(**asdict(one.tuning)) for one in files if one.tuning]


def describe_failure(failure: Failure) -> FailureInfo:
    """Return a failure as it is shown."""
    return FailureInfo(key=failure.key, source=failure.source, reason=failure.reason)
