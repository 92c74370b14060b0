"""Figures with their targets, printed and kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A measured value and what it should be: at least ``target``, or at most."""

    name: str
    value: float
    target: float
    at_least: bool

    @property
    def passed(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "PASS" if self.passed else "FAIL"
        return f"{verdict}  {self.value:8.2f}  (target {sign} {self.target:g})  {self.name}"


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write ``figures`` as a JSON list of name, value, target, passed."""
    rows = [
        {"name": f.name, "value": round(f.value, 4), "target": f.target, "passed": f.passed}
        for f in figures
    ]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
