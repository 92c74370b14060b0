"""`hueweave fit`: an attribute learned from labels, if it is better than what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_steps
from service.commands.fit_tables import print_fit

if TYPE_CHECKING:
    from service.learning.results import FitResult
    from service.learning.running import Task


def fit(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The attribute, new or known.")],
    index: o.Index = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A CSV or Parquet file, or a list of paths with a label each."),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column of labels; left out: NAME.", metavar="NAME")
    ] = None,
    block: Annotated[
        str, typer.Option(help="Blocks to learn from: auto, or such as 1 or 3,4.", metavar="LIST")
    ] = "auto",
    method: Annotated[str, typer.Option(help="lda, nca or whiten.")] = "lda",
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds, samples and resamples.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Install it even if nothing speaks for it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be installed; install nothing.")
    ] = False,
    json: o.AsJson = False,
) -> None:
    """Learn an attribute from labels, and install it if it is better than what is there."""
    from service.learning.running import Task, run_fit

    settings = o.settings_of(context)
    task = Task(name, labels, column, block, method, seed, force, dry_run)
    with watch_steps("learning") as tick:
        found = run_fit(settings, task, note, tick)
    _show(found, task, json)
    _end(found, task)


def _show(found: "FitResult", task: "Task", json: bool) -> None:
    if json:
        import json as json_module

        say(json_module.dumps(found.to_document(), indent=2, ensure_ascii=False))
    else:
        print_fit(found)
    if found.verdict.warning:
        warn(found.verdict.warning)
    if found.verdict.refused and task.force:
        warn(f"{'installed' if found.installed else 'not good'} all the same: "
             f"{found.verdict.refused}")  # fmt: skip


def _end(found: "FitResult", task: "Task") -> None:
    """Raise NotBetterError if it was refused."""
    from service.learning.errors import NotBetterError

    if found.verdict.refused and not task.force:
        raise NotBetterError(
            f"{found.attribute}: not installed, since {found.verdict.refused}; --force installs it "
            "all the same"
        )
