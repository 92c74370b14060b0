"""What is measured: each stored block in a few recipes, and the spaces attributes have now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from indexer.manifest import Manifest
from indexer.spaces import Metric, Space
from models.backbones import BLOCKS, get_backbone
from models.errors import UnknownNameError
from models.extraction import PoolKind, PoolName

RECIPES = ("paper", "l2", "default", "foreground")
"""Average pool by cosine and by Euclidean distance; rooted where the block's values are never
negative, centred, by cosine; the same, pooled over the foreground."""


@dataclass(frozen=True)
class Candidate:
    """A space to measure. ``block`` is None if it has several; ``bound`` names the attributes of
    the index that search in it now."""

    space: Space
    recipe: str
    bound: tuple[str, ...] = ()

    @property
    def block(self) -> int | None:
        blocks = {pool.block for pool in self.space.pools}
        return blocks.pop() if len(blocks) == 1 else None

    @property
    def name(self) -> str:
        """What a reader knows it by."""
        where = f"block {self.block}" if self.block else self.space.name
        return f"{where}, {self.recipe}"


def check_recipes(names: Sequence[str]) -> tuple[str, ...]:
    """Return ``names``, or all recipes if there are none; raises UnknownNameError."""
    for name in names:
        if name not in RECIPES:
            raise UnknownNameError("recipe", name, RECIPES)
    return tuple(dict.fromkeys(names)) or RECIPES


def candidates(manifest: Manifest, recipes: Collection[str] = RECIPES) -> list[Candidate]:
    """Return every stored block in each of ``recipes`` that its pools allow, without means; last
    the spaces of attributes that are none of these, as they are searched."""
    rectified = _rectified(manifest.recipe.backbone)
    found: dict[tuple[object, ...], Candidate] = {}
    for block in manifest.blocks:
        for recipe in RECIPES:
            space = _space(block, recipe, rectified[block - 1])
            if set(space.pools) <= set(manifest.pools):
                found[definition(space)] = Candidate(space, recipe)
    for attribute, name in manifest.attributes.items():
        space = manifest.spaces[name]
        kept = found.get(definition(space), Candidate(space, f"as {attribute!r} is"))
        found[definition(space)] = replace(kept, bound=(*kept.bound, attribute))
    # What is searched now is always measured, and a name never hangs on what was asked for.
    return [one for one in found.values() if one.recipe in recipes or one.bound]


def definition(space: Space) -> tuple[object, ...]:
    """Return what makes two spaces the same but for their name and mean."""
    plain = replace(space, name="", mean=None)
    return tuple(vars(plain).values())


def _rectified(backbone: str) -> Sequence[bool]:
    try:
        return get_backbone(backbone).rectified
    except UnknownNameError:  # of a later release, or of nobody's
        return [True] * len(BLOCKS)


def _space(block: int, recipe: str, rooted: bool) -> Space:
    kind: PoolKind = "foreground" if recipe == "foreground" else "gap"
    metric: Metric = "l2" if recipe == "l2" else "cosine"
    normalised = recipe in ("default", "foreground")
    pools = (PoolName(block, kind),)
    steps = ("root",) * (normalised and rooted) + ("centred",) * normalised
    name = "-".join((f"block{block}", kind, *steps, metric))
    return Space(name, pools, normalised and rooted, normalised, metric)
