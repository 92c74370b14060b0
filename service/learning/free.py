"""Label-free spaces: what an attribute searches in before anything is learned."""

from dataclasses import replace

from indexer.manifest import Manifest
from indexer.spaces import Space


def without_labels(space: Space) -> Space | None:
    """Return ``space`` without what it has learned from labels; None if that was all."""
    kept = tuple(branch for branch in space.branches if branch.method != "learned")
    if len(kept) == len(space.branches):
        return space
    return replace(space, name=f"{space.name}-free", branches=kept) if kept else None


def free_spaces(manifest: Manifest, attribute: str) -> list[Space]:
    """Return the label-free spaces that ``attribute`` is held against: what it searches in now
    but for what was learned, else what it searched in at first, else those of all attributes.
    """
    now, first = manifest.attributes.get(attribute), manifest.original
    if now is not None and (found := without_labels(manifest.spaces[now])):
        return [found]
    if attribute in first and (found := without_labels(first[attribute])):
        return [found]
    bound = [manifest.spaces[name] for name in manifest.attributes.values()]
    spaces = [without_labels(space) for space in (*bound, *first.values())]
    return list({space.definition: space for space in spaces if space is not None}.values())
