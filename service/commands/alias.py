"""`hueweave alias`: names that stand for indexes."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import say

if TYPE_CHECKING:
    from service.settings import Settings


def alias(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="The alias; left out: all are listed.", show_default=False)
    ] = None,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[INDEX]", help="The index it is to stand for.", show_default=False),
    ] = None,
    index: o.Index = None,
    root: o.Root = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
    as_json: o.AsJson = False,
) -> None:
    """Let NAME stand for INDEX, in a folder of indexes or on a running server."""
    import json

    from service.errors import SettingsError

    settings = o.settings_of(context)
    if remove and (name is None or target is not None):
        raise SettingsError("--remove takes the name of an alias and nothing else")
    if name is not None and target is None and not remove:
        raise SettingsError(f"name the index that {name!r} is to stand for, or give --remove")
    found = _change(settings, name, target)
    if as_json:
        say(json.dumps(found))
    elif name is None:
        for one, stands_for in found.items():
            say(f"{one} → {stands_for}")


def _change(settings: "Settings", name: str | None, target: str | None) -> dict[str, str]:
    """Set, remove (no target) or only read (no name) aliases, and return those there are then."""
    from contextlib import closing

    from service.places import RootPlace, check_one, root_folder
    from service.remote import is_remote, open_remote

    check_one(settings)
    if settings.index and is_remote(settings.index):
        with closing(open_remote(settings)) as remote:
            if name is not None and target is not None:
                remote.set_alias(name, target)
            elif name is not None:
                remote.remove_alias(name)
            return remote.aliases()
    places = RootPlace(root_folder(settings))
    if name is not None and target is not None:
        return places.set_alias(name, target)
    return places.aliases() if name is None else places.remove_alias(name)
