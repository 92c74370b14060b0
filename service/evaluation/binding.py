"""Binding: an attribute of an index searches from now on in the block that fits it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import RecipeMismatchError
from indexer.local import open_for_writing
from indexer.manifest import Manifest
from indexer.manifest_file import read_manifest
from indexer.spaces import Space
from models.errors import BlockError
from service.evaluation.candidates import Candidate, candidates
from service.evaluation.labels import LabelError
from service.evaluation.results import ColumnResult, Evaluation
from service.opening import pinned_extractor
from service.settings import Settings

if TYPE_CHECKING:
    from models.download import Progress

# What a term of a query can name: no number, which is a block, and no mark that ends a name.
_ATTRIBUTE = re.compile(r"(?!\d+$)[\w][\w .-]{0,63}")


@dataclass(frozen=True)
class Bound:
    """What became of one attribute: the space it searched before, None if it is new, and now;
    ``refused`` says why it was left as it was."""

    attribute: str
    before: str | None
    now: str | None
    refused: str | None = None


def apply(
    evaluation: Evaluation,
    measured: Manifest,
    target: Path,
    settings: Settings,
    progress: "Progress | None" = None,
) -> list[Bound]:
    """Bind every measured attribute, in the index in ``target``, to what fits it best.

    One of which no block finds more than chance would is left alone. ``measured`` is the manifest
    of the index that was measured. No picture is read. Raises RecipeMismatchError if the index in
    ``target`` has another network, BlockError for a pool it does not store, LabelError for a name
    that no query could say; then nothing is bound.
    """
    manifest = read_manifest(target)
    check_same_network(measured, manifest, target, settings, progress)
    known = {one.name: one for one in candidates(measured)}
    wanted, done = dict[str, Space](), list[Bound]()
    for column in evaluation.columns:
        before = manifest.attributes.get(column.attribute)
        if why := _unfit(column):
            done.append(Bound(column.attribute, before, before, why))
            continue
        check_name(column.attribute)
        wanted[column.attribute] = _space(known[column.best], manifest, target)
    if wanted:
        with open_for_writing(target) as store:
            store.bind(wanted)
            now = store.manifest.attributes
        done += [Bound(name, manifest.attributes.get(name), now[name]) for name in wanted]
    return done


def check_target(target: Path) -> None:
    """Raise IndexFolderError or SchemaError unless ``target`` is an index, before the work."""
    read_manifest(target)


def check_same_network(
    measured: Manifest,
    manifest: Manifest,
    target: Path,
    settings: Settings,
    progress: "Progress | None",
) -> None:
    """Raise RecipeMismatchError or WeightsError unless both indexes are of one network.

    How pictures are cut and which blocks are stored may differ: the best block is the same.
    """
    one, other = measured.recipe, manifest.recipe
    if one.weights_sha256 == other.weights_sha256 and one.backbone == other.backbone:
        return
    if one.backbone != other.backbone:
        raise RecipeMismatchError(
            f"index {str(target)!r} was made with {other.backbone}, {one.backbone} was measured: "
            f"measure with --backbone {other.backbone}"
        )
    # Digests are of the blocks stored, so those of other blocks say nothing.
    if one.weights == other.weights and measured.blocks != manifest.blocks:
        return
    # Whatever numbers they run in, they are weights of floats.
    floats = replace(manifest, recipe=replace(other, quantized=None))
    named = settings.model_copy(update={"weights": one.weights, "precision": "auto"})
    pinned_extractor(floats, named, progress)


def _unfit(column: ColumnResult) -> str | None:
    # A histogram may know as much, but nothing can be searched by it.
    if not column.chance.is_tie:
        return None
    return f"{column.best} finds no more than chance: no block here knows these labels"


def check_name(name: str) -> None:
    """Raise LabelError unless an attribute can be called ``name``."""
    if not _ATTRIBUTE.fullmatch(name):
        raise LabelError(
            f"no attribute can be called {name!r}: expected a name of letters, digits, spaces, "
            "'_', '.' and '-' that is no number; name the column otherwise"
        )


def _space(best: Candidate, manifest: Manifest, target: Path) -> Space:
    for pool in best.space.pools:
        if pool not in manifest.pools:
            stored = ", ".join(map(str, manifest.pools))
            raise BlockError(
                f"{best.name} fits best, but index {str(target)!r} does not store its pool "
                f"{pool}: it stores {stored}; build one that does, or measure that index itself "
                "with --index"
            )
    return best.space
