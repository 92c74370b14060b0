"""Presets: which pools are stored, which spaces derived, and what `color` and `texture` mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.pools import PoolFormat
from indexer.spaces import Metric, Space, block_space_name
from models.backbones import Backbone
from models.errors import UnknownNameError
from models.extraction import PoolKind, PoolName
from models.preprocess import Preprocess


@dataclass(frozen=True)
class Preset:
    """A way from pictures to spaces.

    ``color`` and ``texture`` list blocks from the best on down: the first that the index stores
    is bound to the attribute. ``normalise`` roots and centres spaces; ``float_pools`` stores
    pools in float32, exact but twice the size.
    """

    name: str
    preprocess: Preprocess
    kinds: tuple[PoolKind, ...]
    color: tuple[int, ...]
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
            Preprocess(),
            kinds=("gap", "foreground"),
            color=(1, 2, 3, 4, 5),
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
            color=(2, 1, 3, 4, 5),
            color_kind="gap",
            texture=(4, 3, 5, 2, 1),
            normalise=False,
            pool_format="float32",
        ),
    )
}


@dataclass(frozen=True)
class Layout:
    """What a preset comes to for one backbone and one choice of blocks."""

    pools: tuple[PoolName, ...]
    spaces: tuple[Space, ...]
    attributes: dict[str, str]


def get_preset(name: str) -> Preset:
    """Return the preset called ``name``; raises UnknownNameError naming the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise UnknownNameError("preset", name, PRESETS) from None


def lay_out(preset: Preset, backbone: Backbone, blocks: Sequence[int], metric: Metric) -> Layout:
    """Return the pools to store, a space a block (pooled everywhere) and the attributes' spaces."""
    pools = tuple(PoolName(block, kind) for block in sorted(blocks) for kind in preset.kinds)

    def space(block: int, kind: PoolKind) -> Space:
        # A root evens out activations, which are never negative after a ReLU; a linear tap has
        # both signs, and there it only adds noise near zero.
        root = preset.normalise and backbone.rectified[block - 1]
        name = block_space_name(block) if kind == "gap" else f"block{block}-{kind}"
        return Space(name, (PoolName(block, kind),), root, preset.normalise, metric)

    color = space(_first(preset.color, blocks), preset.color_kind)
    texture = space(_first(backbone.texture or preset.texture, blocks), "gap")
    spaces = dict.fromkeys((color, texture, *(space(block, "gap") for block in sorted(blocks))))
    return Layout(pools, tuple(spaces), {"color": color.name, "texture": texture.name})


def _first(preferred: Sequence[int], stored: Sequence[int]) -> int:
    return next(block for block in preferred if block in stored)
