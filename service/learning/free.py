"""Label-free spaces: what an attribute searches in before anything is learned."""

from dataclasses import replace

from indexer.manifest import Manifest
from indexer.presets import get_preset, lay_out
from indexer.spaces import Space
from models.backbones import get_backbone
from models.errors import UnknownNameError


def without_labels(space: Space) -> Space | None:
    """Return ``space`` without what it has learned from labels; None if that was all."""
    kept = tuple(branch for branch in space.branches if branch.method != "learned")
    if len(kept) == len(space.branches):
        return space
    return replace(space, name=f"{space.name}-free", branches=kept) if kept else None


def free_spaces(manifest: Manifest, attribute: str) -> list[Space]:
    """Return the label-free spaces that ``attribute`` is held against: what it searches in now
    but for what was learned, else what the preset has it search in, else those of all attributes.
    """
    now = manifest.attributes.get(attribute)
    if now is not None and (found := without_labels(manifest.spaces[now])):
        return [found]
    presets = _of_preset(manifest)
    if attribute in presets:
        return [presets[attribute]]
    bound = [without_labels(manifest.spaces[name]) for name in manifest.attributes.values()]
    found_spaces = [space for space in (*bound, *presets.values()) if space is not None]
    return list({space.definition: space for space in found_spaces}.values())


def _of_preset(manifest: Manifest) -> dict[str, Space]:
    try:
        backbone = get_backbone(manifest.recipe.backbone)
    except UnknownNameError:  # of a later release, or of nobody's
        return {}
    preset = get_preset(manifest.preset)
    found = lay_out(preset, backbone, manifest.blocks, "cosine")
    spaces = {space.name: space for space in found.spaces}
    return {attribute: spaces[name] for attribute, name in found.attributes.items()}
