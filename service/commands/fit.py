"""`hueweave fit`: an attribute learned from labels, if it is better than what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_steps
from service.commands.fit_tables import print_correction, print_fit

if TYPE_CHECKING:
    from service.learning.correcting import CorrectionResult
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
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Learn from judgements of hits, not from labels.")
    ] = False,
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
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget what was learned: search as at first.")
    ] = False,
    json: o.AsJson = False,
) -> None:
    """Learn an attribute from labels or judgements, and install it if it is better than what is
    there."""
    from service.learning.running import Task, run_correction, run_fit

    settings = o.settings_of(context)
    task = Task(name, labels, column, block, method, seed, force, dry_run)
    if reset:
        _reset(context, task)
        return
    if feedback:
        _check_no_labels(task)
        with watch_steps("learning") as tick:
            corrected = run_correction(settings, task, tick)
        _show_correction(corrected, task, json)
        return
    with watch_steps("learning") as tick:
        found = run_fit(settings, task, note, tick)
    _show(found, task, json)
    _end(found, task)


def _reset(context: typer.Context, task: "Task") -> None:
    from service.learning.errors import LearningError
    from service.learning.installing import reset
    from service.opening import index_folder

    others = o.given(context) - {"name", "index", "reset"}
    if others:
        flags = ", ".join(f"--{one.replace('_', '-')}" for one in sorted(others))
        raise LearningError(f"--reset only goes back: leave out {flags}")
    before, now = reset(index_folder(o.settings_of(context)), task.attribute)
    found = f"stays with {now}" if before == now else f"bound to {now}, before with {before}"
    say(f"{task.attribute}: {found}")


def _check_no_labels(task: "Task") -> None:
    from service.learning.errors import LearningError

    others = {"--labels": task.labels, "--column": task.column}
    given = [name for name, value in others.items() if value is not None]
    if task.method != "lda":
        given.append("--method")
    if given:
        raise LearningError(f"--feedback learns from judgements: leave out {', '.join(given)}")


def _show_correction(found: "CorrectionResult", task: "Task", json: bool) -> None:
    """Show what was learned from judgements; raises NotBetterError if it was refused."""
    from service.learning.errors import NotBetterError

    if json:
        _say_json(found.to_document())
    else:
        print_correction(found)
    refused = found.verdict.refused
    if refused and found.installed:
        warn(f"installed all the same: {refused}")
    elif refused and not (task.force and task.dry_run):
        way_out = "; --force installs it all the same" if found.verdict.after else ""
        raise NotBetterError(f"{found.attribute}: not installed, since {refused}{way_out}")


def _say_json(document: dict[str, object]) -> None:
    import json

    say(json.dumps(document, indent=2, ensure_ascii=False))


def _show(found: "FitResult", task: "Task", json: bool) -> None:
    if json:
        _say_json(found.to_document())
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
