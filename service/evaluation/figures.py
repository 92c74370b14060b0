"""The figures of a report, as SVG that stands in a page by itself."""

import io
from typing import TYPE_CHECKING

from service.evaluation.results import ColumnResult, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKS = ("o", "s", "^", "D")
_FLOOR_STYLES = (":", "--")


def accuracy_by_block(column: ColumnResult) -> str:
    """Return the figure of the question: mAP and accuracy of five neighbours, by block, a line a
    recipe, with 95 % intervals; floors are level lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, measure, title in ((left, "map", "mAP"), (right, "accuracy_5", "5-NN accuracy")):
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
                linewidth=1,
                capsize=2,
                label=recipe,
            )
        for at, row in enumerate(row for row in column.rows if row.kind == "floor"):
            style = _FLOOR_STYLES[at % len(_FLOOR_STYLES)]
            level = row.measures[measure].value
            axes.axhline(level, color="0.4", linestyle=style, linewidth=1, label=row.name)
        axes.set_xticks(sorted({row.block for row in column.rows if row.block}))
        axes.set_xlabel("block")
        axes.set_title(title)
        axes.set_ylim(bottom=0)
    left.legend(fontsize=8)
    return _svg(figure)


def classes(column: ColumnResult) -> str:
    """Return a bar a class with its mAP in the best block, with 95 % intervals."""
    from matplotlib.figure import Figure

    found = column.row(column.best).classes
    figure = Figure(figsize=(10, 1 + 0.26 * len(found)), layout="constrained")
    axes = figure.subplots()
    values = [one.measures["map"] for one in found]
    middle = [one.value for one in values]
    bars = [[one.value - one.low for one in values], [one.high - one.value for one in values]]
    labels = [f"{one.label} ({one.examples})" for one in found]
    places = list(range(len(found)))
    axes.barh(places, middle, xerr=bars, capsize=2, color="#8da0cb", height=0.7)
    axes.set_yticks(places, [label.replace("$", r"\$") for label in labels])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("mAP")
    return _svg(figure)


def _bars(rows: list[Row], measure: str) -> list[list[float]]:
    values = [row.measures[measure] for row in rows]
    return [[one.value - one.low for one in values], [one.high - one.value for one in values]]


def _svg(figure: "Figure") -> str:
    """Return the picture's element alone: what comes before it is for files."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
