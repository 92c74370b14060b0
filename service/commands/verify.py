"""`hueweave verify`: catalog, pools, segments and pictures held against each other."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, watch_download

if TYPE_CHECKING:
    from service.settings import Settings


def verify(
    context: typer.Context,
    index: o.Index = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Read every picture and compare its SHA-256.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make good what the catalog and the pictures allow.")
    ] = False,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    device: o.Device = None,
    precision: o.Precision = None,
) -> None:
    """Say what is off in an index; exit with 1 if anything is."""
    from indexer.local import LocalStore
    from service.opening import index_folder
    from service.verify import verify as find_problems

    settings = o.settings_of(context)
    folder = index_folder(settings)
    if repair:
        _repair(settings)
    count = 0
    for problem in find_problems(folder, pictures=pictures, tick=_tick):
        say(problem)
        count += 1
    if count:
        note("1 problem" if count == 1 else f"{count} problems")
        raise typer.Exit(1)
    with closing(LocalStore(folder, read_only=True)) as store:
        say(f"{store.count()} items, nothing is off")


def _repair(settings: "Settings") -> None:
    from service.repair import repair_index

    with watch_download() as progress:
        done = repair_index(settings, progress)
    for key, reason in done.failed:
        note(f"not repaired: {key}: {reason}")
    if done.embedded:
        note(f"{done.embedded} items were embedded again")


def _tick(done: int, total: int) -> None:
    if total > 1000:
        note(f"pictures: {done}/{total}")
