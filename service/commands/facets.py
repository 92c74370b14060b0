"""`hueweave facets`: what values and colors the items of an index have."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import say

if TYPE_CHECKING:
    from indexer.filters import Filter
    from service.facets import ColumnFacet, Facets
    from service.settings import Settings


def facets(
    index: o.Index = None,
    filter: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Count only what this filter lets pass."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A metadata column; may be given several times."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most values of a column.")] = 100,
    as_json: o.AsJson = False,
) -> None:
    """Count the values of metadata columns and the colors that the items show."""
    from indexer.filters import ALL, parse_filter
    from service.settings import load_settings

    chosen = parse_filter(filter) if filter else ALL
    found = _count(load_settings(index=index), chosen, column or None, limit)
    if as_json:
        say(found.model_dump_json(indent=2))
    else:
        _print(found)


def _count(
    settings: "Settings", filter: "Filter", columns: list[str] | None, limit: int
) -> "Facets":
    from indexer.local import LocalStore
    from service.facets import count_facets
    from service.opening import index_folder, query_limits
    from service.remote import is_remote, open_remote

    if settings.index and is_remote(settings.index):
        with closing(open_remote(settings)) as remote:
            return remote.facets(filter, columns, limit)
    with closing(LocalStore(index_folder(settings))) as store:
        return count_facets(store, filter, columns, limit, query_limits(settings).filter)


def _print(found: "Facets") -> None:
    say(f"items {found.count}")
    for column in found.columns:
        _print_column(column)
    if found.colors:
        say("colors shown")
    for color in found.colors:
        say(f"  {color.count:8}  {color.hex}  {color.name}")


def _print_column(column: "ColumnFacet") -> None:
    import json

    span = "" if column.min is None else f", {column.min} to {column.max}"
    say(f"{column.column} ({column.type}{span})")
    for one in column.values:
        value = one.value if isinstance(one.value, str) else json.dumps(one.value)
        say(f"  {one.count:8}  {value}")
    for count, what in ((column.others, "(other values)"), (column.missing, "(no value)")):
        if count:
            say(f"  {count:8}  {what}")
