"""`hueweave remove`: items out of an index."""

from contextlib import closing
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import fail, say


def remove(
    context: typer.Context,
    key: Annotated[list[str], typer.Argument(metavar="KEY…", help="Keys of items.")],
    index: o.Index = None,
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-missing", help="Take no offence at keys that no item has.")
    ] = False,
) -> None:
    """Remove items from an index, in a folder or behind a server, and the pictures it keeps of
    them; exit with 2 if there is none with one of the keys."""
    from service.adding import remove_items
    from service.commands.add import open_changer

    settings = o.settings_of(context)
    with closing(open_changer(settings)) as changer:
        found = remove_items(key, changer, settings.batch_size)
        count = changer.count()
    removed = sum(one.result is not None for one in found)
    unknown = [one for one in found if one.problem and not (one.unknown and ignore_missing)]
    say(f"{count} items in the index ({removed} removed)")
    for one in unknown:
        fail(one.problem or "")
    if unknown:
        raise typer.Exit(2)
