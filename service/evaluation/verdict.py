"""What the numbers of an attribute come to, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # NumPy takes a while to import; `--help` comes past here.
    from service.evaluation.intervals import Interval
    from service.evaluation.results import ColumnResult, Comparison

TITLES = {
    "map": "mAP",
    "accuracy_1": "1-NN",
    "accuracy_5": "5-NN",
    "precision_5": "P@5",
    "precision_10": "P@10",
}
"""The measures that are shown, and what they are called. P@1 is the accuracy of 1-NN."""


def verdict(column: "ColumnResult") -> list[str]:
    """Return which block and recipe fits, and what it is compared with, a line each."""
    best = column.row(column.best)
    lines = [f"{column.attribute}: {best.name} fits best, mAP {as_text(best.measures['map'])}"]
    if column.runner_up:
        lines.append(f"  next: {_compared(column.runner_up)}")
    if column.other_block and column.other_block != column.runner_up:
        lines.append(f"  best of another block: {_compared(column.other_block)}")
    lines.append(f"  best floor: {_compared(column.floor)}")
    return lines


def as_text(one: "Interval") -> str:
    """Return a mean with its interval."""
    return f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]"


def _compared(other: "Comparison") -> str:
    gap = other.difference
    shown = f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    if gap.high < 0:
        return f"{other.other}, which is better ({shown})"
    return f"{other.other}, {shown}{', a tie' if other.is_tie else ''}"
