"""`hueweave query`: pictures like this one, in a chosen attribute."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import DownloadProgress, fail, note, say

if TYPE_CHECKING:
    from service.asking import Asked


def query(
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
    from service.asking import ask, check_question, picture_paths
    from service.drawing import draw_answers
    from service.opening import limits, open_index
    from service.settings import load_settings

    settings = load_settings(
        index=index,
        weights=weights,
        weights_mirror=weights_mirror,
        device=device,
        precision=precision,
        max_bytes=max_bytes,
        max_pixels=max_pixels,
    )
    paths = picture_paths(images or [], listing)
    attributes, blocks = attribute or [], block or []
    check_question(attributes, blocks, limit, min_score, settings.max_limit)
    opened = open_index(settings, DownloadProgress())
    try:
        targets = opened.searcher.targets(attributes, blocks)
        asked = list(_shown(ask(opened, targets, paths, limit, min_score), as_json))
        if collage:
            for path in draw_answers(collage, asked, opened.store, limits(settings)):
                note(f"collage: {path}")
    finally:
        opened.close()
    if any(one.problem for one in asked):
        raise typer.Exit(2)


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
    say(f"{one.path}, by {one.target}")
    hits = one.answer.hits if one.answer else []
    if not hits:
        say("  nothing found")
    for rank, hit in enumerate(hits, start=1):
        similarity = hit.terms[0].similarity
        say(f"  {rank:3}  score {hit.score:.4f}  similarity {similarity:+.4f}  {hit.key}")
