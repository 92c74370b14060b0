"""`hueweave query`: pictures like this one, in a chosen attribute."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import fail, note, say, watch_download

if TYPE_CHECKING:
    from service.answer import TermScore
    from service.asking import Asked, Asker
    from service.settings import Settings


def query(
    context: typer.Context,
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE…", help="Pictures to search with.")
    ] = None,
    index: o.Index = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", "-a", help="color, texture, …; may be given several times."),
    ] = None,
    block: Annotated[
        list[int] | None, typer.Option(help="A block instead; may be given several times.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="An item of the index to search with.")
    ] = None,
    listing: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="A file with a picture a line.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Only this box of IMAGE: 0.2,0.1,0.8,0.9 or 40,20,160,180px."),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A picture that is white where IMAGE counts.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="auto: near-white does not count; none: everything does.")
    ] = None,
    palette: Annotated[
        list[str] | None,
        typer.Option(help="Colors to search with: '#7a1f2b 60, ivory 30, any 10'."),
    ] = None,
    term: Annotated[
        list[str] | None,
        typer.Option(
            "--term",
            "-t",
            metavar="ATTRIBUTE[:WEIGHT]=EXAMPLE",
            help="A term of one composed query: color:0.7=a.jpg, texture=key:b, color=palette:red.",
        ),
    ] = None,
    query_file: Annotated[
        Path | None,
        typer.Option("--query", metavar="FILE", help="A query as JSON, as REST takes it; - reads."),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A picture that the JSON query names as a part."),
    ] = None,
    filter: Annotated[
        str | None, typer.Option(metavar="JSON", help="Only items that this filter lets pass.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("-k", "--limit", help="How many hits; 10 if not given.")
    ] = None,
    min_score: Annotated[float | None, typer.Option(help="Leave out hits that score less.")] = None,
    collapse: Annotated[
        str | None, typer.Option(help="picture: fold hits that are the same picture into one.")
    ] = None,
    expand: Annotated[
        int | None,
        typer.Option(help="Move the query toward so many of its nearest."),
    ] = None,
    cursor: Annotated[
        str | None, typer.Option(help="Go on from the next_cursor of an answer.")
    ] = None,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw for each hit where its likeness lies."),
    ] = None,
    collage: Annotated[
        Path | None,
        typer.Option(help="Draw the answers: a .png, .jpg or .webp, or a folder for one a query."),
    ] = None,
    as_json: o.AsJson = False,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    device: o.Device = None,
    precision: o.Precision = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
) -> None:
    """Find the pictures of an index that look like IMAGE in an attribute, or in a block.

    One query of several terms is written with --term, or as JSON with --query.
    """
    from service.drawing import check_target, draw_answers, draw_reasons
    from service.opening import limits
    from service.questions import Spelled, questions

    settings = o.settings_of(context)
    spelled = Spelled(
        images=images or [],
        attributes=attribute or [],
        blocks=block or [],
        keys=key or [],
        listing=listing,
        region=region,
        mask=mask,
        background=background,
        palettes=palette or [],
        terms=term or [],
        query_file=query_file,
        parts=part or [],
        filter=filter,
        limit=limit,
        min_score=min_score,
        collapse=collapse,
        expand=expand,
        cursor=cursor,
        explain=explain is not None,
    )
    asking = questions(spelled)
    if collage:
        check_target(collage)
    with closing(_open(settings)) as asker:
        asked = list(_shown(asker.ask(asking), as_json))
        if collage:
            for path in draw_answers(collage, asked, asker, limits(settings)):
                note(f"collage: {path}")
        if explain:
            for path in draw_reasons(explain, asked, asker, limits(settings)):
                note(f"explained: {path}")
    if any(one.problem for one in asked):
        raise typer.Exit(2)


def _open(settings: "Settings") -> "Asker":
    from service.remote import is_remote, open_remote

    if settings.index and is_remote(settings.index):
        return open_remote(settings)
    from service.local_asker import LocalAsker
    from service.opening import open_index

    with watch_download() as progress:
        return LocalAsker(open_index(settings, progress))


def _shown(answers: Iterator["Asked"], as_json: bool) -> Iterator["Asked"]:
    """Print each answer as it comes and hand it on."""
    for one in answers:
        if one.problem is not None:
            fail(f"{one.question.name}: {one.problem}")
        elif as_json:
            say(one.to_json())
        else:
            _print_table(one)
        yield one


def _print_table(one: "Asked") -> None:
    say(f"{one.question.name}, by {one.question.subject}")
    if one.answer is None or not one.answer.hits:
        say("  nothing found")
        return
    for rank, hit in enumerate(one.answer.hits, start=1):
        if len(hit.terms) == 1:
            detail = f"similarity {hit.terms[0].similarity:+.4f}"
        else:
            detail = "  ".join(f"{_subject(term)} {term.score:.4f}" for term in hit.terms)
        folded = f"  (and {len(hit.duplicates)} the same)" if hit.duplicates else ""
        say(f"  {rank:3}  score {hit.score:.4f}  {detail}  {hit.key}{folded}")
    if one.answer.next_cursor:
        note("more: the same with --cursor, whose value --json shows as next_cursor")


def _subject(term: "TermScore") -> str:
    return term.attribute or f"block {term.block}"
