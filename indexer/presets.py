"""Presets: which pools are stored, which spaces derived, and what `color` and `texture` mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from indexer.branches import Branch
from indexer.pools import PoolFormat
from indexer.reduction import reduced
from indexer.spaces import Metric, Space, block_space_name, simple_space
from indexer.statistics import color_probe
from models.backbones import Backbone
from models.errors import UnknownNameError
from models.extraction import PoolKind, PoolName, Vectors
from models.preprocess import Preprocess

FlatColors = Callable[[int], Vectors]
"""From a block to its raw values, (n, channels), in pictures of one color each."""


@dataclass(frozen=True)
class Preset:
    """A way from pictures to spaces.

    ``color`` and ``texture`` list groups of blocks from the best on down: what the index stores of
    the first group of which it stores any is bound to the attribute. ``normalise`` roots, and
    centres or whitens, spaces; ``float_pools`` stores pools in float32, exact but twice the size.
    """

    name: str
    preprocess: Preprocess
    kinds: tuple[PoolKind, ...]
    color: tuple[tuple[int, ...], ...]
    color_kind: PoolKind
    texture: tuple[int, ...]
    normalise: bool
    pool_format: PoolFormat


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        # Measured best without labels; docs/quality.md has the figures. Pooling over the
        # foreground helps color and hurts texture.
        Preset(
            "default",
            # Twice the input still is an input of its own where half the frame is border.
            Preprocess(oversample=2, filled=True),
            kinds=("gap", "foreground"),
            color=((1, 2), (3,), (4,), (5,)),
            color_kind="foreground",
            texture=(4, 3, 5, 2, 1),
            normalise=True,
            pool_format="float16",
        ),
        # The paper's own recipe (arXiv 2104.00161, section 4): plain GAP and cosine.
        Preset(
            "paper",
            Preprocess(oversample=0),
            kinds=("gap",),
            color=((2,), (1,), (3,), (4,), (5,)),
            color_kind="gap",
            texture=(4, 3, 5, 2, 1),
            normalise=False,
            pool_format="float32",
        ),
    )
}
# Over how many directions a whitened space spreads, and how many numbers a block of it keeps. Few
# directions are left of color once it is probed.
SPREAD, _COLOR_WIDTH, TEXTURE_WIDTH = 8.0, 24, 64


@dataclass(frozen=True)
class Layout:
    """What a preset comes to for one backbone and one choice of blocks."""

    pools: tuple[PoolName, ...]
    spaces: tuple[Space, ...]
    attributes: dict[str, str]

    def reduced(self, count: int, widths: dict[PoolName, int]) -> "Layout":
        """Return this with at most ``count`` numbers a vector in the spaces of attributes."""
        spaces = {space.name: space for space in self.spaces}
        attributes = {}
        for attribute, name in self.attributes.items():
            space = reduced(spaces[name], count, widths)
            spaces[space.name] = space
            attributes[attribute] = space.name
        used = {*attributes.values(), *(block_space_name(pool.block) for pool in self.pools)}
        kept = tuple(space for name, space in spaces.items() if name in used)
        return Layout(self.pools, kept, attributes)


def get_preset(name: str) -> Preset:
    """Return the preset called ``name``; raises UnknownNameError naming the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise UnknownNameError("preset", name, PRESETS) from None


def lay_out(
    preset: Preset,
    backbone: Backbone,
    blocks: Sequence[int],
    metric: Metric,
    flat_colors: FlatColors | None = None,
) -> Layout:
    """Return the pools to store, a space a block (pooled everywhere) and the attributes' spaces.

    With ``flat_colors``, of the network there is, color heeds what tells colors apart.
    """
    pools = tuple(PoolName(block, kind) for block in sorted(blocks) for kind in preset.kinds)
    # Spaces are whitened by cosines; a distance takes each direction as wide as it is.
    whitens = preset.normalise and metric == "cosine"

    def branch(block: int, kind: PoolKind, width: int, probes: bool = False) -> Branch:
        pool = PoolName(block, kind)
        # A root evens out activations, which are never negative after a ReLU; a linear tap has
        # both signs, and there it only adds noise near zero.
        root = preset.normalise and backbone.rectified[block - 1]
        rooted = frozenset({pool} if root else ())
        if not whitens:
            return Branch((pool,), rooted, "centred" if preset.normalise else "plain")
        width = min(width, backbone.channels[block - 1])
        one = Branch((pool,), rooted, "whitened", width, SPREAD)
        if not probes or flat_colors is None:
            return one
        return replace(one, probe=color_probe(one.joined({pool: flat_colors(block)})))

    def named(kind: PoolKind, *branches: Branch) -> Space:
        found = "+".join(str(pool.block) for one in branches for pool in one.pools)
        name = f"block{found}-{kind}"
        return Space(f"{name}-whitened" if whitens else name, branches, metric)

    group = next(group for group in preset.color if set(group) & set(blocks))
    chosen = [block for block in group if block in blocks][: None if whitens else 1]
    color = named(
        preset.color_kind,
        *(branch(block, preset.color_kind, _COLOR_WIDTH, probes=True) for block in chosen),
    )
    deepest = next(one for one in backbone.texture or preset.texture if one in blocks)
    texture = named("gap", branch(deepest, "gap", TEXTURE_WIDTH))
    plain = (_block_space(block, preset, backbone, metric) for block in sorted(blocks))
    spaces = dict.fromkeys((color, texture, *plain))
    return Layout(pools, tuple(spaces), {"color": color.name, "texture": texture.name})


def _block_space(block: int, preset: Preset, backbone: Backbone, metric: Metric) -> Space:
    root = preset.normalise and backbone.rectified[block - 1]
    pools = (PoolName(block, "gap"),)
    return simple_space(block_space_name(block), pools, root, preset.normalise, metric)
