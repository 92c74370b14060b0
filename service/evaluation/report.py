"""The report of an evaluation: a page with figures and pictures that opens without a network."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from indexer.records import Item
from indexer.store import CatalogStore
from models.errors import HueweaveError
from models.extraction import Vectors
from models.images import Limits, decode
from service.evaluation.candidates import candidates
from service.evaluation.evaluating import Subject, queries_of, vectors_of, with_statistics
from service.evaluation.matching import Codes, LabelColumn
from service.evaluation.page import PAGE
from service.evaluation.ranking import Rows, judge, rank
from service.evaluation.results import ColumnResult, Evaluation
from service.evaluation.verdict import TITLES, verdict
from service.opening import limits
from service.pictures import read_indexed
from service.settings import Settings
from service.thumbnails import fit

_NEEDED = ("matplotlib", "jinja2")
_SHOWN, _QUERIES, _SIDE = 8, 12, 100
# Past this many classes a table of confusions cannot be read.
_MAX_CONFUSION = 40


class ReportError(HueweaveError):
    """A report that cannot be made or written."""


@dataclass(frozen=True)
class Tile:
    """A picture in a row: what it is to the query (query, right or wrong), and its JPEG as a data
    URI, None if it is gone."""

    kind: str
    key: str
    label: str
    picture: str | None


def check_can_report(path: Path) -> None:
    """Raise ReportError unless a report can be drawn, and written to ``path``."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ReportError(f"a report needs {name}: pip install 'hueweave[report]'")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ReportError(f"cannot write a report to {str(path)!r}: expected a file in a folder")


def write_report(path: Path, subject: Subject, found: Evaluation, settings: Settings) -> None:
    """Write the page of ``found``, measured on ``subject``, to ``path``; raises ReportError."""
    from jinja2 import Environment, StrictUndefined

    thumbnails = Thumbnails(subject.store, limits(settings))
    parts = [_part(subject, one, found.seed, thumbnails) for one in found.columns]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    text = environment.from_string(PAGE).render(found=found, parts=parts, titles=TITLES)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write {str(path)!r}: {error.strerror}") from error


@dataclass
class Thumbnails:
    """Small pictures of items as data URIs, each made once."""

    store: CatalogStore
    limits: Limits
    _made: dict[str, str | None] = field(default_factory=dict)

    def of(self, item: Item) -> str | None:
        """Return a JPEG's data URI; None if the picture is not there any more."""
        if item.key not in self._made:
            self._made[item.key] = self._make(item)
        return self._made[item.key]

    def _make(self, item: Item) -> str | None:
        try:
            data = read_indexed(item, self.store.locate(item), self.limits)
            image = fit(decode(data, self.limits, at_least=_SIDE), _SIDE)
        except HueweaveError:
            return None
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=80)
        return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _part(
    subject: Subject, column: ColumnResult, seed: int, thumbnails: Thumbnails
) -> dict[str, object]:
    from markupsafe import Markup

    from service.evaluation.figures import accuracy_by_block, classes

    labels = next(one for one in subject.labelled.columns if one.name == column.attribute)
    store, slots = subject.store, subject.labelled.slots
    best = next(one for one in candidates(store.manifest) if one.name == column.best)
    space = with_statistics(store, best.space, slots)
    vectors = vectors_of(store, space, slots)
    queries, _ = queries_of(labels, seed)
    precision = np.concatenate(
        [
            judge(order, labels.codes, some).values["map"]
            for some, order in rank(vectors, space.metric, queries)
        ]
    )
    worst = queries[np.argsort(precision, kind="stable")[:_QUERIES]]

    def rows(asked: Rows) -> list[list[Tile]]:
        return list(_rows(subject, labels, vectors, space.metric, asked, thumbnails))

    return {
        "column": column,
        "verdict": verdict(column),
        # Made here, by a library that escapes what stands in it.
        "by_block": Markup(accuracy_by_block(column)),
        "classes": Markup(classes(column)),
        "confusion": column.classes <= _MAX_CONFUSION,
        "drawn": rows(_one_a_class(labels.codes, queries, seed)),
        "worst": rows(worst),
    }


def _one_a_class(codes: Codes, queries: Rows, seed: int) -> Rows:
    """Return a query of each class, drawn at random, of at most so many classes."""
    random = np.random.default_rng(seed)
    present = np.unique(codes[queries])[:_QUERIES]
    return np.array([random.choice(queries[codes[queries] == code]) for code in present], np.int64)


def _rows(
    subject: Subject,
    column: LabelColumn,
    vectors: Vectors,
    metric: str,
    queries: Rows,
    thumbnails: Thumbnails,
) -> Iterable[list[Tile]]:
    items = subject.labelled.items

    def tile(at: int, own: int | None) -> Tile:
        code = int(column.codes[at])
        kind = "query" if own is None else "right" if own == code else "wrong"
        return Tile(kind, items[at].key, column.classes[code], thumbnails.of(items[at]))

    for some, order in rank(vectors, "l2" if metric == "l2" else "cosine", queries):
        for query, others in zip(some.tolist(), order, strict=True):
            near = others[column.codes[others] >= 0][:_SHOWN].tolist()
            own = int(column.codes[query])
            yield [tile(query, None), *(tile(at, own) for at in near)]
