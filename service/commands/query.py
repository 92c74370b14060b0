"""`hueweave query`: pictures like this one, in a chosen attribute."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import fail, note, say, watch_download

if TYPE_CHECKING:
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
    limit: Annotated[int, typer.Option("-k", "--limit", help="How many hits a picture.")] = 10,
    min_score: Annotated[float, typer.Option(help="Leave out hits that score less.")] = 0.0,
    listing: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="A file with a picture a line.")
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
    """Find the pictures of an index that look like IMAGE in an attribute, or in a block."""
    from service.asking import Question, picture_paths, subjects
    from service.drawing import check_target, draw_answers
    from service.opening import limits

    settings = o.settings_of(context)
    paths = picture_paths(images or [], listing)
    question = Question(subjects(attribute or [], block or []), limit, min_score)
    question.check(settings.max_limit)
    if collage:
        check_target(collage)
    with closing(_open(settings)) as asker:
        asked = list(_shown(asker.ask(paths, question), as_json))
        if collage:
            for path in draw_answers(collage, asked, asker, limits(settings)):
                note(f"collage: {path}")
    if any(one.problem for one in asked):
        raise typer.Exit(2)


def _open(settings: "Settings") -> "Asker":
    from service.remote import RemoteIndex, is_remote

    if settings.index and is_remote(settings.index):
        from service.opening import limits

        return RemoteIndex(settings.index, limits(settings))
    from service.local_asker import LocalAsker
    from service.opening import open_index

    with watch_download() as progress:
        return LocalAsker(open_index(settings, progress))


def _shown(answers: Iterator["Asked"], as_json: bool) -> Iterator["Asked"]:
    """Print each answer as it comes and hand it on."""
    for one in answers:
        if one.problem is not None:
            fail(f"{one.path}: {one.problem}")
        elif as_json:
            say(one.to_json())
        else:
            _print_table(one)
        yield one


def _print_table(one: "Asked") -> None:
    say(f"{one.path}, by {one.subject}")
    hits = one.answer.hits if one.answer else []
    if not hits:
        say("  nothing found")
    for rank, hit in enumerate(hits, start=1):
        similarity = hit.terms[0].similarity
        say(f"  {rank:3}  score {hit.score:.4f}  similarity {similarity:+.4f}  {hit.key}")
