"""Colors that classes are drawn in."""

from collections.abc import Mapping, Sequence

from models.colors import format_color, parse_color
from models.errors import ColorError

# Mid tones that can be told apart on light and on dark ground.
_PALETTE = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948",
    "#76b7b2", "#9c755f", "#ff9da7", "#2f6f4f", "#7b5cd6", "#c2185b",
)  # fmt: skip
OTHERS = "#8c8c8c"


def shades(counts: Mapping[str, int]) -> dict[str, str]:
    """Return a hex color for each class by name, given how many examples it has.

    Classes that are all named after colors are drawn in them. Else the largest get a color each,
    and those past the palette OTHERS.
    """
    named = _own(list(counts))
    if named:
        return named
    largest = sorted(counts, key=lambda name: -counts[name])[: len(_PALETTE)]
    chosen = dict(zip((name for name in counts if name in largest), _PALETTE, strict=False))
    return {name: chosen.get(name, OTHERS) for name in counts}


def _own(names: Sequence[str]) -> dict[str, str]:
    try:
        return {name: format_color(parse_color(name)) for name in names}
    except ColorError:
        return {}
