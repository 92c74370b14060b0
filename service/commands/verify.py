"""`hueweave verify`: catalog, pools, segments and pictures held against each other."""

from contextlib import closing
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say


def verify(
    index: o.Index = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Read every picture and compare its SHA-256.")
    ] = False,
) -> None:
    """Say what is off in an index; exit with 1 if anything is."""
    from indexer.local import LocalStore
    from service.opening import index_folder
    from service.settings import load_settings
    from service.verify import verify as find_problems

    with closing(LocalStore(index_folder(load_settings(index=index)))) as store:
        count = 0
        for problem in find_problems(store, pictures=pictures, tick=_tick):
            say(problem)
            count += 1
        items = store.count()
    if count:
        note("1 problem" if count == 1 else f"{count} problems")
        raise typer.Exit(1)
    say(f"{items} items, nothing is off")


def _tick(done: int, total: int) -> None:
    if total > 1000:
        note(f"pictures: {done}/{total}")
