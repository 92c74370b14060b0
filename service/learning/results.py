"""What a fit came to, as the command shows it and writes it as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from indexer.manifest import Manifest
from service.learning.fitting import Fitted
from service.learning.gates import Verdict
from service.learning.labels import Labels


@dataclass(frozen=True)
class Row:
    """How the best with one set of pools fared on held-out labels, among those held out."""

    pools: str
    method: str
    ridge: float
    map: float
    accuracy: float


@dataclass(frozen=True)
class FitResult:
    """What was learned for ``attribute``, from what, how well, and what became of it.

    ``dimension`` and ``free_dimension`` are how many numbers a vector has after and before;
    ``installed`` is whether the attribute searches in ``space`` now, ``space_before`` where it
    did, None if it is new.
    """

    attribute: str
    column: str
    source: str
    backbone: str
    classes: dict[str, int]
    labelled: int
    unlabelled: int
    method: str
    pools: tuple[str, ...]
    ridge: float
    mix: float
    dimension: int
    free: str
    free_dimension: int
    verdict: Verdict
    tried: tuple[Row, ...]
    notes: tuple[str, ...]
    installed: bool
    space: str | None
    space_before: str | None

    def to_document(self) -> dict[str, Any]:
        """Return this as JSON holds it."""
        return asdict(self)


def describe(attribute: str, labels: Labels, fitted: Fitted, manifest: Manifest) -> FitResult:
    """Return what was learned, not installed so far."""
    best, free = fitted.search.best, fitted.free.dimension(manifest.pools)
    beside = free if fitted.mix else 0
    return FitResult(
        attribute=attribute,
        column=labels.column,
        source=labels.source,
        backbone=manifest.recipe.backbone,
        classes=dict(zip(labels.classes, labels.counts, strict=True)),
        labelled=fitted.labelled,
        unlabelled=fitted.unlabelled,
        method=best.way.method,
        pools=tuple(map(str, fitted.pools)),
        ridge=best.ridge,
        mix=fitted.mix,
        dimension=fitted.matrix.shape[1] + beside,
        free=fitted.free.name,
        free_dimension=free,
        verdict=fitted.verdict,
        tried=_rows(fitted),
        notes=labels.notes,
        installed=False,
        space=None,
        space_before=manifest.attributes.get(attribute),
    )


def _rows(fitted: Fitted) -> tuple[Row, ...]:
    found = dict[tuple[str, str, bool], Row]()
    for one in fitted.search.tried:
        mixed = one.mix > 0
        key = (one.way.name, one.way.method, mixed)
        method = one.way.method + (f" + {one.mix:.0%} label-free" if mixed else "")
        row = Row(one.way.name, method, one.ridge, one.scores.map, one.scores.accuracy)
        found.setdefault(key, row)
    return tuple(found.values())
