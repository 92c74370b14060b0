"""`hueweave build`: pictures into an index; run again, it goes on or does nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_build, watch_download

if TYPE_CHECKING:
    from indexer.build import BuildReport
    from service.settings import Settings

_SHOWN = 20


def build(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A folder, a list of paths, a CSV or Parquet file."),
    ],
    index: o.Index = None,
    backbone: o.Backbone = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    preset: o.Preset = None,
    blocks: o.Blocks = None,
    metric: o.Metric = None,
    index_type: o.IndexType = None,
    profile: o.Profile = None,
    recall: o.Recall = None,
    reduce: o.Reduce = None,
    device: o.Device = None,
    precision: o.Precision = None,
    batch_size: o.BatchSize = None,
    threads: o.Threads = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
    index_column: Annotated[
        list[str] | None,
        typer.Option(
            help="A metadata column to keep in memory for filters; may be given several times."
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove items the source no longer names.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first picture that cannot be read.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try unreadable pictures again.")
    ] = False,
) -> None:
    """Build an index from SOURCE, or bring one up to it: only what is new or changed is read."""
    from indexer.build import BuildOptions
    from service.building import build_index

    settings = o.settings_of(context)
    options = BuildOptions(strict, prune, retry_failed, tuple(index_column or ()))
    try:
        with watch_build() as watcher, watch_download() as progress:
            report = build_index(source, settings, options, watcher, warn, progress)
    except KeyboardInterrupt as stopped:
        note("stopped; what is stored stays, run the same command again to go on")
        raise typer.Exit(130) from stopped
    _report(report, prune)
    if report.embedded:
        _report_losses(settings)


def _report(report: "BuildReport", pruned: bool) -> None:
    plan = report.plan
    for failure in report.failures[:_SHOWN]:
        note(f"unreadable: {failure.key}: {failure.reason}")
    if report.failure_count > _SHOWN:
        note(f"… and {report.failure_count - _SHOWN} more, listed by `hueweave info --failures`")
    if plan.failed_before:
        note(f"{plan.failed_before} failed before and were not tried again: --retry-failed does")
    if plan.missing:
        note(f"{plan.missing} items are still named but their files are not there; they stay")
    if report.vanished and not pruned:
        for key in report.vanished[:_SHOWN]:
            note(f"vanished: {key}")
        note(f"{plan.vanished} items are no longer in the source; --prune removes them")
    parts = {
        "embedded": report.embedded,
        "unchanged": plan.unchanged,
        "relabelled": plan.relabelled,
        "unreadable": report.failure_count,
        "named twice": plan.repeated,
        "removed": report.pruned,
    }
    shown = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    say(f"{report.items} items in the index ({shown or 'nothing to do'})")


def _report_losses(settings: "Settings") -> None:
    """Say what a reduced index loses by it."""
    from service.building import measure_losses

    for loss in measure_losses(settings):
        note(
            f"{loss.attribute}: {loss.kept} of {loss.whole} numbers keep {loss.same:.1%} of "
            f"the ten nearest, by a sample of {loss.items} items"
        )
