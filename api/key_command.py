"""`hueweave key`: makes, lists and revokes the API keys of a server."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say

if TYPE_CHECKING:
    from datetime import datetime

    from service.keys_file import KeysFile

_KeysOption = Annotated[
    str | None, typer.Option(help="The keys file.", metavar="FILE", show_default=False)
]

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API keys of a server.")


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    scope: Annotated[str, typer.Option(help="read, feedback, write or admin.", show_default=False)],
    expires: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days until it counts no longer.")
    ] = None,
    keys: _KeysOption = None,
) -> None:
    """Make a key and print it, once; makes the file if there is none."""
    key, text = _file(context).create(name, scope, expires)
    say(text)
    until = "" if key.expires is None else f" until {_shown(key.expires)}"
    note(f"key {key.id} for {key.name!r} may {key.scope}{until}; it is not shown again")


@app.command("list")
def list_keys(context: typer.Context, keys: _KeysOption = None) -> None:
    """Print the keys: id, scope, when made, until when, and name."""
    file = _file(context)
    found, now = file.read().keys, file.now()
    for key in found:
        until = "no end" if key.expires is None else _shown(key.expires)
        until += " (expired)" if key.has_expired(now) else ""
        say(f"{key.id}  {key.scope:8}  {_shown(key.created)}  {until}  {key.name}")
    if not found:
        note("there are no keys")


@app.command()
def revoke(
    context: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="Id of a key, as list shows it.")],
    keys: _KeysOption = None,
) -> None:
    """Make a key count no longer; a running server knows within a second."""
    key = _file(context).revoke(identity)
    note(f"key {key.id} of {key.name!r} counts no longer")


@app.command()
def rotate(context: typer.Context, keys: _KeysOption = None) -> None:
    """Make every signed address of a picture open nothing, at once; keys stay as they are."""
    _file(context).rotate()
    note("addresses signed so far open nothing any more")


def _file(context: typer.Context) -> "KeysFile":
    from pathlib import Path

    from service.errors import SettingsError
    from service.keys_file import KeysFile

    settings = o.settings_of(context)
    if not settings.keys:
        raise SettingsError("no keys file is given: name one with --keys FILE or HUEWEAVE_KEYS")
    return KeysFile(Path(settings.keys).expanduser())


def _shown(moment: "datetime") -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
