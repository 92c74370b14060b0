"""`hueweave rebuild`: everything derived made anew from raw pools."""

import typer

from service.commands import options as o
from service.commands.console import say


def rebuild(
    context: typer.Context,
    index: o.Index = None,
) -> None:
    """Make means, samples and FAISS segments anew, without touching a picture."""
    from indexer.local import open_for_writing
    from service.opening import index_folder

    with open_for_writing(index_folder(o.settings_of(context))) as store:
        store.rebuild()
        generation = store.manifest.generation
        say(f"{store.count()} items, generation {generation.number if generation else 'none'}")
