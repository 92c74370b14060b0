"""What is measured: each stored block in a few recipes, and the spaces attributes have now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from indexer.branches import Branch, Method
from indexer.manifest import Manifest
from indexer.presets import SPREAD, TEXTURE_WIDTH
from indexer.spaces import Metric, Space
from models.backbones import BLOCKS, get_backbone
from models.errors import UnknownNameError
from models.extraction import PoolName

METHODS: dict[str, Method] = {
    "paper": "plain",
    "l2": "plain",
    "centred": "centred",
    "foreground": "centred",
    "whitened": "whitened",
}
RECIPES = tuple(METHODS)
"""Average pool by cosine and by Euclidean distance; rooted where the block's values are never
negative, centred, by cosine; the same, pooled over the foreground; average pool rooted and
whitened in part, as the default preset has texture."""


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
            pool = PoolName(block, "foreground" if recipe == "foreground" else "gap")
            if pool in manifest.pools:
                space = _space(pool, recipe, rectified[block - 1], manifest.pools[pool])
                found[space.definition] = Candidate(space, recipe)
    for attribute, name in manifest.attributes.items():
        space = manifest.spaces[name]
        kept = found.get(space.definition, Candidate(space, f"as {attribute!r} is"))
        found[space.definition] = replace(kept, bound=(*kept.bound, attribute))
    # What is searched now is always measured, and a name never hangs on what was asked for.
    return [one for one in found.values() if one.recipe in recipes or one.bound]


def _rectified(backbone: str) -> Sequence[bool]:
    try:
        return get_backbone(backbone).rectified
    except UnknownNameError:  # of a later release, or of nobody's
        return [True] * len(BLOCKS)


def _space(pool: PoolName, recipe: str, rooted: bool, channels: int) -> Space:
    metric: Metric = "l2" if recipe == "l2" else "cosine"
    method = METHODS[recipe]
    root = rooted and method != "plain"
    branch = Branch((pool,), frozenset({pool} if root else ()), method)
    if method == "whitened":
        branch = replace(branch, width=min(TEXTURE_WIDTH, channels), spread=SPREAD)
    steps = ("root",) * root + (method,) * (method != "plain")
    return Space("-".join((f"block{pool.block}", pool.kind, *steps, metric)), (branch,), metric)
