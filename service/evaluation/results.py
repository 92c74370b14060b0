"""What an evaluation found, in plain values that JSON can hold."""

from dataclasses import asdict, dataclass
from typing import Any

from service.evaluation.intervals import Interval


@dataclass(frozen=True)
class ClassScores:
    """One class: how many examples it has, how many of them asked, and each measure."""

    label: str
    examples: int
    queries: int
    measures: dict[str, Interval]


@dataclass(frozen=True)
class Row:
    """One space, or a floor, on one column: means over queries, and over classes (``macro``).

    ``kind`` is block or floor. A floor has no block, pools or space.
    """

    name: str
    kind: str
    recipe: str
    block: int | None
    space: str | None
    dimension: int | None
    bound: tuple[str, ...]
    measures: dict[str, Interval]
    macro: dict[str, Interval]
    classes: tuple[ClassScores, ...]


@dataclass(frozen=True)
class Comparison:
    """By how much the best row is ahead of another in mAP, on the same queries."""

    other: str
    difference: Interval

    @property
    def is_tie(self) -> bool:
        """Whether the best cannot be told from the other: the interval reaches to no difference."""
        return self.difference.low <= 0


@dataclass(frozen=True)
class Confusion:
    """How often five neighbours of a class's queries vote for which class: [own][voted]."""

    row: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ColumnResult:
    """One column of labels, as one attribute: floors first, then blocks.

    ``runner_up`` compares the best block and recipe with the next, ``other_block`` with the best
    of another block (None where there is no such), ``floor`` with the best floor, ``chance`` with
    orders at random.
    """

    attribute: str
    items: int
    classes: int
    queries: int
    rows: tuple[Row, ...]
    best: str
    runner_up: Comparison | None
    other_block: Comparison | None
    floor: Comparison
    chance: Comparison
    confusion: Confusion

    def row(self, name: str) -> Row:
        """Return the row called ``name``."""
        return next(row for row in self.rows if row.name == name)


@dataclass(frozen=True)
class Evaluation:
    """All of it: what was measured, with what, and what was left out."""

    source: str
    labels: str
    backbone: str
    weights: str
    weights_sha256: str
    items: int
    seed: int
    resamples: int
    notes: tuple[str, ...]
    columns: tuple[ColumnResult, ...]

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        document = asdict(self)
        for column in document["columns"]:
            for name in ("runner_up", "other_block", "floor", "chance"):
                if column[name] is not None:
                    column[name]["tie"] = column[name]["difference"]["low"] <= 0
        return document
