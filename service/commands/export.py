"""`hueweave export`: keys and embeddings as a NumPy archive."""

from contextlib import closing
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import say


def export(
    file: o.Output,
    index: o.Index = None,
    attribute: o.Attribute = None,
    block: o.Block = None,
    pool: Annotated[
        str | None, typer.Option(help="Pool of a block: gap (the default) or foreground.")
    ] = None,
) -> None:
    """Write arrays `keys` and `embeddings` (float32): a block's raw pools, or an attribute's
    vectors as they are searched."""
    from indexer.local import LocalStore
    from models.errors import HueweaveError
    from models.extraction import parse_pool_kind
    from service.errors import QueryError
    from service.export import export_attribute, export_block, write_npz
    from service.opening import index_folder
    from service.settings import load_settings

    if (attribute is None) == (block is None):
        raise QueryError("name exactly one of --attribute and --block")
    if attribute is not None and pool is not None:
        raise QueryError("--pool goes with --block: an attribute has its own pool")
    with closing(LocalStore(index_folder(load_settings(index=index)))) as store:
        if block is not None:
            arrays = export_block(store, block, parse_pool_kind(pool or "gap"))
        else:
            arrays = export_attribute(store, str(attribute))
    try:
        write_npz(file, arrays)
    except OSError as error:
        raise HueweaveError(f"cannot write {str(file)!r}: {error.strerror}") from error
    say(f"{file}: {arrays[1].shape[0]} x {arrays[1].shape[1]}")
