"""A learned attribute as a space of an index, bound there beside the label-free one."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from indexer.branches import Affine, Branch
from indexer.local import open_for_writing
from indexer.spaces import Space
from models.extraction import PoolName, Vectors
from service.learning.errors import LearningError

LABELLED, JUDGED = "learned", "judged"
"""What names of spaces begin with: by what was learned."""


class Learned(Protocol):
    """What was learned: rooted ``pools`` side by side, minus ``shift`` (d,), times ``matrix``
    (d, k), beside a share ``mix`` of the space ``free``."""

    @property
    def pools(self) -> tuple[PoolName, ...]: ...
    @property
    def with_root(self) -> frozenset[PoolName]: ...
    @property
    def shift(self) -> Vectors: ...
    @property
    def matrix(self) -> Vectors: ...
    @property
    def mix(self) -> float: ...
    @property
    def free(self) -> Space: ...


def space_of(fitted: Learned, by: str = LABELLED) -> Space:
    """Return the space of a learned attribute: one branch that is learned, ``by`` labels or
    judgements, and those of the space before with their share of the squared length."""
    layer = Affine(fitted.shift, fitted.matrix)
    learned = Branch(
        fitted.pools,
        fitted.with_root,
        method="learned",
        weight=1 - fitted.mix,
        layers=(layer,),
    )
    beside = fitted.free.branches if fitted.mix else ()
    whole = sum(branch.weight for branch in beside)
    shares = (replace(one, weight=fitted.mix * one.weight / whole) for one in beside)
    # No two have the same name, since a folder's name never changes its meaning.
    return Space(f"{by}-{layer.digest[:12]}", (learned, *shares), "cosine")


def install(folder: Path, attribute: str, space: Space) -> str | None:
    """Let ``attribute`` of the index in ``folder`` search in ``space``; return the name of the
    space it searched in before. No picture is read; a running server follows.

    Raises IndexBusyError, or IndexTypeError for a space the index type cannot search.
    """
    with open_for_writing(folder) as store:
        before = store.manifest.attributes.get(attribute)
        store.bind({attribute: space})
    return before


def reset(folder: Path, attribute: str) -> tuple[str, str]:
    """Let ``attribute`` search where it did at first; return the names of the space it searched in
    before, and of that. Raises LearningError for an attribute that came later."""
    with open_for_writing(folder) as store:
        manifest = store.manifest
        if attribute not in manifest.original:
            known = ", ".join(manifest.original)
            raise LearningError(
                f"{attribute!r} has nothing to go back to: the index was made with {known}"
            )
        before, first = manifest.attributes[attribute], manifest.original[attribute]
        if before != first.name:
            store.bind({attribute: first})
        return before, first.name
