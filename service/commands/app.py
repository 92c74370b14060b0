"""The command without HTTP: a Typer app to which the server's own commands are added."""

from importlib.metadata import version
from typing import Annotated

import typer

from service.commands.add import add
from service.commands.alias import alias
from service.commands.backup import backup, restore
from service.commands.build import build
from service.commands.evaluate import evaluate
from service.commands.export import export
from service.commands.facets import facets
from service.commands.feedback import feedback
from service.commands.fit import fit
from service.commands.info import info
from service.commands.init import init
from service.commands.palette import palette
from service.commands.query import query
from service.commands.rebuild import rebuild
from service.commands.remove import remove
from service.commands.sample import sample
from service.commands.tag import tag
from service.commands.train import train
from service.commands.verify import verify

COMMANDS = (
    *(sample, init, build, add, remove, query, palette, facets, info, export),
    *(evaluate, fit, tag, feedback, train, verify, rebuild, backup, restore, alias),
)


def make_app() -> typer.Typer:
    """Return the app with every command that needs no HTTP."""
    app = typer.Typer(
        name="hueweave",
        help="Find pictures alike in a chosen attribute: color, texture, or any block.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for command in COMMANDS:
        app.command()(command)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hueweave {version('hueweave')}")
        raise typer.Exit()


def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and leave.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    pass
