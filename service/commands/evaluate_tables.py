"""What an evaluation looks like in a terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from service.commands.console import note, out, say
from service.evaluation.verdict import TITLES, as_text, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.evaluation.binding import Bound
    from service.evaluation.intervals import Interval
    from service.evaluation.results import ColumnResult, Evaluation

# Past this many classes a table is for the report and the JSON.
_MAX_CLASSES = 12
_VOTES, _WIDEST = 4, 160
_WITH_BOUNDS = ("map", "accuracy_5")


def print_evaluation(found: "Evaluation") -> None:
    """Print a table an attribute, floors on top, and which block fits."""
    for column in found.columns:
        say(
            f"{column.attribute}: {column.items} pictures in {column.classes} classes, "
            f"{column.queries} ask, leave one out, {found.backbone}"
        )
        _print_table(_rows(column))
        _print_classes(column)
        for line in verdict(column):
            say(line)
        say("")


def print_bound(bound: "Sequence[Bound]", aside: bool) -> None:
    """Print what became of each attribute; to stderr if stdout is JSON."""
    tell = note if aside else say
    for one in bound:
        if one.refused:
            tell(f"{one.attribute}: not bound, {one.refused}")
        elif one.before == one.now:
            tell(f"{one.attribute}: stays with {one.now}")
        else:
            before = f", before with {one.before}" if one.before else ", a new attribute"
            tell(f"{one.attribute}: bound to {one.now}{before}")


def _rows(column: "ColumnResult") -> Table:
    table = _table("", *TITLES.values(), "macro")
    for row in column.rows:
        cells = [
            as_text(row.measures[name]) if name in _WITH_BOUNDS else _plain(row.measures[name])
            for name in TITLES
        ]
        style = "bold" if row.name == column.best else "dim" if row.kind == "floor" else ""
        now = f" ({', '.join(row.bound)})" if row.bound else ""
        table.add_row(f"{row.name}{now}", *cells, _plain(row.macro["map"]), style=style)
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _print_table(table: Table) -> None:
    # Whole, even if the terminal has to wrap it: half a number is none.
    Console(highlight=False, soft_wrap=True, width=max(out.width, _WIDEST)).print(table)


def _plain(one: "Interval") -> str:
    return f"{one.value:.3f}"


def _print_classes(column: "ColumnResult") -> None:
    if column.classes > _MAX_CLASSES:
        say(f"{column.classes} classes: --json and --report have each of them, and the confusions")
        return
    table = _table("class", "examples", "mAP", "5-NN", "five neighbours vote for")
    confusion = column.confusion
    for one in column.row(column.best).classes:
        line = confusion.counts[confusion.labels.index(one.label)]
        votes = sorted(zip(line, confusion.labels, strict=True), reverse=True)
        told = ", ".join(f"{label} {count}" for count, label in votes[:_VOTES] if count)
        table.add_row(
            one.label,
            str(one.examples),
            as_text(one.measures["map"]),
            as_text(one.measures["accuracy_5"]),
            told,
        )
    _print_table(table)
