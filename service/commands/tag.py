"""`hueweave tag`: values for items without a label, with how sure they are."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, warn
from service.learning.errors import LearningError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from service.learning.tagging import Tag, Tagged

UNKNOWN = "unknown"


def tag(
    context: typer.Context,
    column: Annotated[str, typer.Argument(metavar="COLUMN", help="The column of labels.")],
    index: o.Index = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels in a file, as for fit; left out: those in the metadata."),
    ] = None,
    attribute: Annotated[
        str | None,
        typer.Option("--attribute", "-a", help="Vote in what this attribute is made of."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least confidence of a value.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds and samples.")] = 0,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", help="Write key, value, confidence here.", metavar="FILE"),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write values into the items' metadata.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --write, replace values that are there.")
    ] = False,
) -> None:
    """Guess the values of items without a label by their neighbours; unknown where unsure."""
    from service.learning.running import TagTask, run_tag

    settings = o.settings_of(context)
    if overwrite and not write:
        raise LearningError("--overwrite is for --write: give both, or neither")
    task = TagTask(column, labels, attribute, threshold, seed, write, overwrite)
    if csv_file is not None:
        _check_writable(csv_file)
    found, written = run_tag(settings, task, note)
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            _write(found.tags, file)
    elif not write:
        _write(found.tags, sys.stdout)
    _summarise(found, threshold)
    if write:
        note(f"{column}: written to the metadata of {written} items")


def _check_writable(file: Path) -> None:
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise LearningError(f"cannot write {str(file)!r}: it is a folder, or its folder is missing")


def _write(tags: "Sequence[Tag]", file: "TextIO") -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("key", "value", "confidence"))
    for one in tags:
        rows.writerow((one.item.key, one.value or UNKNOWN, f"{one.confidence:.3f}"))


def _summarise(found: "Tagged", threshold: float) -> None:
    """Say what there is and what is to be expected of it."""
    valued = [one for one in found.tags if one.value is not None]
    share = f" ({len(valued) / len(found.tags):.0%})" if found.tags else ""
    note(f"{len(found.tags)} items without a label: {len(valued)} get a value{share}, by "
         f"neighbours in: {found.space}")  # fmt: skip
    if valued:
        mean = sum(one.confidence for one in valued) / len(valued)
        note(f"expected to be right: {mean:.0%} of them, if they are like the labelled ones")
    seen = found.seen
    note(f"of labels held out, {seen.accuracy:.0%} are guessed right; {seen.coverage:.0%} get a "
         f"value at {threshold:g}, {seen.right:.0%} of these are right; confidences are off by "
         f"{seen.calibration_error:.3f} on average")  # fmt: skip
    if not seen.coverage:
        warn("no held-out label reaches the threshold: lower it, or label more")
