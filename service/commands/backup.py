"""`hueweave backup` and `hueweave restore`: an index in use into a folder, and back."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say

Folder = Annotated[Path, typer.Argument(help="The backup's folder.", show_default=False)]


def backup(context: typer.Context, folder: Folder, index: o.Index = None) -> None:
    """Copy an index into a new FOLDER while it may be in use; what is there is an index itself."""
    from indexer.backup import back_up
    from indexer.local import LocalStore
    from service.opening import index_folder

    with closing(LocalStore(index_folder(o.settings_of(context)))) as store:
        saved = back_up(store, folder)
    say(f"{folder}: {saved.items} items, {saved.media_bytes / 2**20:.1f} MiB of originals")


def restore(context: typer.Context, folder: Folder, index: o.Index = None) -> None:
    """Copy the backup in FOLDER to where --index says, if nothing is off in it."""
    from indexer.backup import restore as copy_back
    from indexer.errors import BackupError
    from service.opening import index_folder
    from service.verify import verify

    target = index_folder(o.settings_of(context))
    # Of pictures that lie elsewhere a backup says nothing: they may be on another machine.
    problems = [*verify(folder, sources=False)]
    for problem in problems:
        note(problem)
    if problems:
        raise BackupError(f"backup {str(folder)!r} is damaged: nothing was restored")
    copy_back(folder, target)
    say(str(target))
