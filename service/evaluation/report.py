"""The report of an evaluation: a page with figures and pictures that opens without a network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from models.errors import HueweaveError
from models.extraction import Vectors
from service.evaluation.candidates import candidates
from service.evaluation.evaluating import Subject, queries_of, vectors_of, with_statistics
from service.evaluation.gallery import Gallery, Picture
from service.evaluation.maps import FRAME, PLANE, MapMaker, best_of_blocks
from service.evaluation.matching import Codes, LabelColumn
from service.evaluation.page import PAGE
from service.evaluation.page_style import STYLE
from service.evaluation.ranking import Rows, judge, rank
from service.evaluation.results import ColumnResult, Evaluation
from service.evaluation.shades import OTHERS
from service.evaluation.verdict import TITLES, verdict
from service.opening import limits
from service.settings import Settings

# Modules, and what they are installed as.
_NEEDED = {"matplotlib": "matplotlib", "jinja2": "jinja2", "umap": "umap-learn"}
_SHOWN, _QUERIES = 8, 12
_MARKS = {"query": "", "right": "✓", "wrong": "✗"}
# Past this many classes a table of confusions cannot be read.
_MAX_CONFUSION = 40


class ReportError(HueweaveError):
    """A report that cannot be made or written."""


@dataclass(frozen=True)
class Tile:
    """A picture in a row: what it is to the query (query, right or wrong), and the picture, None if
    it is gone."""

    kind: str
    key: str
    label: str
    picture: Picture | None


def check_can_report(path: Path) -> None:
    """Raise ReportError unless a report can be drawn, and written to ``path``."""
    for module, name in _NEEDED.items():
        if find_spec(module) is None:
            raise ReportError(f"a report needs {name}: pip install 'hueweave[report]'")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ReportError(f"cannot write a report to {str(path)!r}: expected a file in a folder")


def write_report(
    path: Path,
    subject: Subject,
    found: Evaluation,
    settings: Settings,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the page of ``found``, measured on ``subject``, to ``path``; ``tick`` is told maps
    done. Raises ReportError."""
    from jinja2 import Environment, StrictUndefined

    gallery = Gallery(subject.store, limits(settings))
    total = sum(len(best_of_blocks(one)) for one in found.columns)
    done = iter(range(1, total + 1))
    maker = MapMaker(subject, gallery, found.seed, lambda: tick(next(done), total))
    parts = [_part(subject, one, found.seed, gallery, maker) for one in found.columns]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    text = environment.from_string(PAGE).render(
        found=found, parts=parts, titles=TITLES, style=STYLE, marks=_MARKS, frame=FRAME,
        plane=PLANE, others=OTHERS, pictures=gallery.pictures,
    )  # fmt: skip
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _part(
    subject: Subject, column: ColumnResult, seed: int, gallery: Gallery, maker: MapMaker
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
        return list(_rows(subject, labels, vectors, space.metric, asked, gallery))

    return {
        "column": column,
        "verdict": verdict(column),
        # Made here, by a library that escapes what stands in it.
        "by_block": [Markup(one) for one in accuracy_by_block(column)],
        "classes": Markup(classes(column)),
        "maps": maker.maps(labels, column),
        "confusion": column.classes <= _MAX_CONFUSION,
        "drawn": rows(one_a_class(labels.codes, queries, seed)),
        "worst": rows(worst),
    }


def one_a_class(codes: Codes, queries: Rows, seed: int) -> Rows:
    """Return a query of each class, drawn at random; of many classes, of the largest."""
    random = np.random.default_rng(seed)
    counts = np.bincount(codes[queries])
    largest = np.sort(np.argsort(-counts, kind="stable")[:_QUERIES])
    present = largest[counts[largest] > 0]
    return np.array([random.choice(queries[codes[queries] == code]) for code in present], np.int64)


def _rows(
    subject: Subject,
    column: LabelColumn,
    vectors: Vectors,
    metric: str,
    queries: Rows,
    gallery: Gallery,
) -> Iterable[list[Tile]]:
    items = subject.labelled.items

    def tile(at: int, own: int | None) -> Tile:
        code = int(column.codes[at])
        kind = "query" if own is None else "right" if own == code else "wrong"
        return Tile(kind, items[at].key, column.classes[code], gallery.of(items[at]))

    for some, order in rank(vectors, "l2" if metric == "l2" else "cosine", queries):
        for query, others in zip(some.tolist(), order, strict=True):
            near = others[column.codes[others] >= 0][:_SHOWN].tolist()
            own = int(column.codes[query])
            yield [tile(query, None), *(tile(at, own) for at in near)]
