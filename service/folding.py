"""Near-duplicates: hits that are the same picture, folded into the first of them.

The same picture saved again, smaller or at another quality, is almost the same in every block; two
pictures of one thing are not. So pictures count as the same if they are within a small distance of
each other in each stored block.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.branches import unit
from indexer.spaces import Slots
from indexer.store import View

# The least cosine, in every block, of what counts as the same picture; docs/quality.md measures it.
SAME = 0.95


def first_of_each(view: View, slots: Slots, before: Slots) -> NDArray[np.int64]:
    """Return for each of ``slots`` the place of the first that is the same picture.

    -1 if that is one of the slots ``before``, which are the firsts of what came earlier still.
    """
    alike = _same(view, slots, slots)
    known = np.any(_same(view, slots, before), axis=1)
    firsts = np.full(len(slots), -1, np.int64)
    for at in np.flatnonzero(~known).tolist():
        # Like the first only: of a long chain of small changes the ends are not the same.
        earlier = np.flatnonzero(alike[at, :at] & (firsts[:at] == np.arange(at)))
        firsts[at] = earlier[0] if len(earlier) else at
    return firsts


def _same(view: View, left: Slots, right: Slots) -> NDArray[np.bool_]:
    """Return (n, m) whether pictures are the same."""
    same = np.ones((len(left), len(right)), bool)
    for block in view.manifest.blocks:
        space = view.manifest.space_of_block(block)
        # Without what all pictures have in common, which is most of an early block.
        common = view.reference(space).mean(axis=0)
        a, b = (unit(view.vectors(space, slots) - common) for slots in (left, right))
        same &= a @ b.T >= SAME
    return same
