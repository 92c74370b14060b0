"""`hueweave add`: pictures into an index that keeps them itself."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, watch_build, watch_download

if TYPE_CHECKING:
    from models.download import Progress
    from service.adding import Changer, Report
    from service.settings import Settings

_SHOWN = 20


def add(
    context: typer.Context,
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE…", help="Pictures, folders, lists, CSV or Parquet files."),
    ],
    index: o.Index = None,
    key: Annotated[
        str | None, typer.Option(help="The key of a single picture; else its file's name.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(metavar="JSON", help="Metadata that all the pictures get.")
    ] = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    device: o.Device = None,
    precision: o.Precision = None,
    batch_size: o.BatchSize = None,
    threads: o.Threads = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
) -> None:
    """Add pictures to an index, in a folder or behind a server, which keeps them itself.

    What is under their keys already is replaced.
    """
    from service.adding import add_pictures, named_entries
    from service.item_values import read_metadata
    from service.opening import index_folder
    from service.remote import is_remote

    settings = o.settings_of(context)
    folder = None if is_remote(settings.index or "") else index_folder(settings)
    extra = read_metadata(metadata) if metadata else {}
    entries = named_entries(pictures, key, extra, folder)
    try:
        with (
            watch_build() as watcher,
            watch_download() as progress,
            closing(open_changer(settings, progress, len(entries))) as changer,
        ):
            report = add_pictures(entries, changer, settings, watcher)
            count = changer.count()
    except KeyboardInterrupt as stopped:
        note("stopped; what was added stays, run the same command again to go on")
        raise typer.Exit(130) from stopped
    _report(report, len(entries), count)


def open_changer(
    settings: "Settings", progress: "Progress | None" = None, pictures: int = 1
) -> "Changer":
    """Return the folder or the server that the setting ``index`` names, to put about so many
    ``pictures`` into it."""
    from service.adding import LocalChanger
    from service.remote import is_remote
    from service.remote_changer import open_remote_changer

    if is_remote(settings.index or ""):
        return open_remote_changer(settings)
    return LocalChanger(settings, progress, pictures)


def _report(report: "Report", asked: int, count: int) -> None:
    from indexer.errors import BuildFailedError

    for one in report.failed[:_SHOWN]:
        note(f"not added: {one.key}: {one.problem}")
    if len(report.failed) > _SHOWN:
        note(f"… and {len(report.failed) - _SHOWN} more")
    if len(report.failed) == asked:
        first = report.failed[0]
        raise BuildFailedError(
            f"none of the {asked} pictures could be added; {first.key!r}: {first.problem}"
        )
    said = {"created": "added"}
    parts = [f"{number} {said.get(one, one)}" for one, number in report.results.items()]
    if report.failed:
        parts.append(f"{len(report.failed)} not added")
    shown = ", ".join(parts)
    say(f"{count} items in the index ({shown})")
