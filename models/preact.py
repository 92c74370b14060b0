"""Names and shapes of pre-activation networks, free of torch: ``preact-18-64-se``."""

import re
from dataclasses import dataclass

PREACT_FORM = "preact-DEPTH-WIDTH[-se]"
LEAST_DEPTH, MOST_DEPTH, MOST_WIDTH = 10, 1002, 512
# A block more goes to the middle stages first, where published networks are deepest.
_EXTRA = (2, 1, 3)
_NAME = re.compile(r"preact-([1-9]\d{0,3})-([1-9]\d{0,2})(-se)?")


@dataclass(frozen=True)
class PreactShape:
    """Depth in weighted layers on the longest path, width of the first stage, and whether blocks
    are squeezed and excited.

    The layers are the stem, two a block, and the classifier; so depth is even and at least 10.
    """

    depth: int
    width: int
    se: bool = False

    @property
    def name(self) -> str:
        """The name that stands for this shape wherever a backbone is named."""
        return f"preact-{self.depth}-{self.width}{'-se' if self.se else ''}"

    @property
    def problem(self) -> str | None:
        """What is wrong with this shape, if anything is."""
        if self.depth % 2 or not LEAST_DEPTH <= self.depth <= MOST_DEPTH:
            return f"depth {self.depth}: expected an even number from {LEAST_DEPTH} to {MOST_DEPTH}"
        if not 1 <= self.width <= MOST_WIDTH:
            return f"width {self.width}: expected 1 to {MOST_WIDTH}"
        return None

    @property
    def blocks(self) -> tuple[int, int, int, int]:
        """How many residual blocks each of the four stages has, as even as can be."""
        each, left = divmod((self.depth - 2) // 2, 4)
        extra = _EXTRA[:left]
        one, two, three, four = (each + (stage in extra) for stage in range(4))
        return (one, two, three, four)

    @property
    def channels(self) -> tuple[int, int, int, int, int]:
        """The widths of the five taps: the stem and the four stages."""
        width = self.width
        return (width, width, 2 * width, 4 * width, 8 * width)


def parse_preact(name: str) -> PreactShape | None:
    """Return the shape that ``name`` stands for, or None if it is no such name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    shape = PreactShape(int(found[1]), int(found[2]), bool(found[3]))
    return None if shape.problem else shape
