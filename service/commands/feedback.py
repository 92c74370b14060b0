"""`hueweave feedback`: what people said of hits, listed, exported, imported, removed."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, warn

if TYPE_CHECKING:
    from indexer.local import LocalStore
    from service.judgements import JudgementView


def feedback(
    context: typer.Context,
    index: o.Index = None,
    attribute: o.Attribute = None,
    as_json: o.AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    take: Annotated[
        Path | None,
        typer.Option("--import", help="Record the judgements of a CSV file.", metavar="FILE"),
    ] = None,
    remove: Annotated[
        list[int] | None,
        typer.Option(help="Remove this judgement; may be given several times.", metavar="ID"),
    ] = None,
) -> None:
    """List what people said of hits: which pairs are the same, or different, in an attribute."""
    from indexer.local import LocalStore
    from service.errors import QueryError
    from service.opening import index_folder

    given = [name for name, one in (("--json", as_json), ("--csv", as_csv), ("--import", take),
                                    ("--remove", remove)) if one]  # fmt: skip
    if len(given) > 1:
        raise QueryError(f"{given[0]} and {given[1]} do not go together")
    settings = o.settings_of(context)
    with closing(LocalStore(index_folder(settings))) as store:
        if take is not None:
            _import(store, take, attribute, settings.max_feedback)
        elif remove:
            _remove(store, remove)
        else:
            _list(store, attribute, as_json, as_csv)


def _import(store: "LocalStore", path: Path, attribute: str | None, most: int) -> None:
    from service.judgement_table import import_csv

    found = import_csv(store, path, attribute, most)
    for reason, count in found.left_out.items():
        warn(f"{count} rows {reason}: left out")
    if attribute is not None and attribute not in store.manifest.attributes:
        note(f"the index has no attribute {attribute!r} yet")
    done = found.recorded
    say(f"{done.created} new, {done.replaced} replaced, {done.unchanged} unchanged")


def _remove(store: "LocalStore", ids: list[int]) -> None:
    from indexer.errors import UnknownFeedbackError

    removed = store.feedback.remove(ids)
    note(f"{len(removed)} judgements removed")
    if missing := [one for one in ids if one not in removed]:
        raise UnknownFeedbackError(f"no judgement has the id {missing[0]}")


def _list(store: "LocalStore", attribute: str | None, as_json: bool, as_csv: bool) -> None:
    from service.judgement_table import views, write_csv

    found = views(store, attribute)
    if as_csv:
        write_csv(found, sys.stdout)
        return
    for one in found:
        say(one.model_dump_json(exclude_none=True) if as_json else _line(one))
    for name, (same, different) in store.feedback.counts().items():
        if attribute in (None, name):
            note(f"{name}: {same} pairs the same, {different} different")
    if not store.feedback.count(attribute):
        note("there are no judgements")


def _line(one: "JudgementView") -> str:
    from service.judgement_table import WORDS, asked

    gone = "" if one.usable else "  (an item is gone or replaced)"
    return f"{one.id:6}  {one.attribute}  {WORDS[one.same]:9}  {asked(one)}  {one.hit}{gone}"
