"""The figures of a report, as SVG that stands in a page by itself, in the page's own colors."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from service.evaluation.results import ColumnResult, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKS = ("o", "s", "^", "D")
_FLOOR_STYLES = (":", "--")
# Stand for colors that the page chooses by the reader's scheme; nothing else is drawn in them.
_INK, _SOFT = "#010203", "#040506"
_OF_PAGE = {_INK: "currentColor", _SOFT: "var(--soft)"}


def accuracy_by_block(column: ColumnResult) -> list[str]:
    """Return the figures of the question: mAP and accuracy of five neighbours, by block, a line a
    recipe, with 95 % intervals; floors are level lines."""
    return [_by_block(column, "map", "mAP"), _by_block(column, "accuracy_5", "5-NN accuracy")]


def _by_block(column: ColumnResult, measure: str, title: str) -> str:
    from matplotlib.figure import Figure

    with _drawing():
        figure = Figure(figsize=(5.2, 4), layout="constrained")
        axes = figure.subplots()
        recipes = dict.fromkeys(row.recipe for row in column.rows if row.block)
        for at, recipe in enumerate(recipes):
            rows = [row for row in column.rows if row.block and row.recipe == recipe]
            # Side by side, or intervals hide each other.
            blocks = [row.block + (at - len(recipes) / 2) * 0.06 for row in rows if row.block]
            axes.errorbar(
                blocks,
                [row.measures[measure].value for row in rows],
                yerr=_bars(rows, measure),
                marker=_MARKS[at % len(_MARKS)],
                markersize=4,
                linewidth=1.2,
                capsize=2,
                label=_plain(recipe),
            )
        for at, row in enumerate(row for row in column.rows if row.kind == "floor"):
            style = _FLOOR_STYLES[at % len(_FLOOR_STYLES)]
            level = row.measures[measure].value
            axes.axhline(level, color=_SOFT, linestyle=style, linewidth=1.2, label=row.name)
        axes.set_xticks(sorted({row.block for row in column.rows if row.block}))
        axes.set_xlabel("block")
        axes.set_title(title)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
        return _svg(figure, f"{title} of {column.attribute} by block, a line a recipe")


def classes(column: ColumnResult) -> str:
    """Return a bar a class with its mAP in the best block, with 95 % intervals."""
    from matplotlib.figure import Figure

    found = column.row(column.best).classes
    values = [one.measures["map"] for one in found]
    middle = [one.value for one in values]
    bars = [[one.value - one.low for one in values], [one.high - one.value for one in values]]
    labels = [f"{one.label} ({one.examples})" for one in found]
    places = list(range(len(found)))
    with _drawing():
        figure = Figure(figsize=(6, 0.8 + 0.26 * len(found)), layout="constrained")
        axes = figure.subplots()
        axes.barh(places, middle, xerr=bars, capsize=2, color="#6f86bd", ecolor=_INK, height=0.7)
        axes.set_yticks(places, [_plain(label) for label in labels])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.set_xlabel("mAP")
        axes.spines[["top", "right"]].set_visible(False)
        return _svg(figure, f"mAP of each class of {column.attribute}, {column.best}")


def _bars(rows: list[Row], measure: str) -> list[list[float]]:
    values = [row.measures[measure] for row in rows]
    return [[one.value - one.low for one in values], [one.high - one.value for one in values]]


def _plain(text: str) -> str:
    """Return ``text`` with no mathematics in it."""
    return text.replace("$", r"\$")


@contextmanager
def _drawing() -> Iterator[None]:
    """Text stays text, which any script has letters for, and figures of the same numbers agree."""
    from matplotlib import rc_context

    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    # The names that there are differ between the releases we allow.
    settings: dict[Any, str] = {"svg.fonttype": "none", "svg.hashsalt": "hueweave"}
    with rc_context(settings | dict.fromkeys(ink, _INK)), warnings.catch_warnings():
        # Of letters that the font has not: it is the reader's font that shows them.
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def _svg(figure: "Figure", says: str) -> str:
    """Return the picture's element alone: what comes before it is for files, and so are the
    description and the names of vocabularies in it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    start, rest = text.split(">", 1)
    start = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", start)
    for stands, color in _OF_PAGE.items():
        rest = rest.replace(stands, color)
    return f'{start} role="img" aria-label="{escape(says)}">{rest}'
