"""Answers drawn as collages: all queries in one picture, or one picture a query."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.images import Limits, read_picture
from service.answer import Hit
from service.asking import Asked, Asker
from service.collage import Row, Tile, check_ending, write_collage
from service.heat_sheet import Shown, why_rows
from service.palettes import swatch_picture
from service.query import Term


def draw_answers(
    target: Path, asked: Sequence[Asked], asker: Asker, limits: Limits
) -> Iterator[Path]:
    """Draw into ``target``, a picture file or a folder, and yield the files written.

    Raises CollageError if it cannot be written.
    """
    answered = [one for one in asked if one.answer is not None]
    if not answered:
        return
    if is_file(target):
        write_collage(target, [_row(one, asker, limits) for one in answered], limits)
        yield target
        return
    for number, one in enumerate(answered, start=1):
        path = target / f"{number:04}-{_stem(one)}.png"
        write_collage(path, [_row(one, asker, limits)], limits)
        yield path


def draw_reasons(
    folder: Path, asked: Sequence[Asked], asker: Asker, limits: Limits
) -> Iterator[Path]:
    """Draw into ``folder`` a sheet for each hit that is explained, and yield the files written.

    A sheet has a line for each term: its pictures, then the hit, each under its heat. Raises
    CollageError if it cannot be written.
    """
    for number, one in enumerate(asked, start=1):
        terms = one.question.query.terms
        shown = [list(_shown(one, term, asker, limits)) for term in terms]
        for rank, hit in enumerate(one.answer.hits if one.answer else [], start=1):
            if hit.why is None:
                continue
            rows = why_rows(hit.why, Shown(asker.picture(hit.key), hit.key), shown, limits)
            path = folder / f"{number:04}-{rank:03}-{_stem(one)}.png"
            write_collage(path, rows, limits)
            yield path


def check_target(target: Path) -> None:
    """Raise CollageError, before any work is done, for a file that no collage can be."""
    if is_file(target):
        check_ending(target)


def _stem(one: Asked) -> str:
    """Return what a file about an answer is called."""
    what = f"{Path(one.question.name).stem}-{one.question.subject}"
    return re.sub(r"[^\w.-]+", "-", what)[:100]


def is_file(target: Path) -> bool:
    """Return whether ``target`` stands for one picture rather than a folder of them."""
    return bool(target.suffix) and not target.is_dir()


def _row(one: Asked, asker: Asker, limits: Limits) -> Row:
    hits = one.answer.hits if one.answer else []
    return Row(
        [tile for term in one.question.query.terms for tile in _examples(one, term, asker, limits)],
        [_tile(rank, hit, asker) for rank, hit in enumerate(hits, start=1)],
    )


def _examples(one: Asked, term: Term, asker: Asker, limits: Limits) -> Iterator[Tile]:
    weight = "" if term.weight == 1 else f" times {term.weight:g}"
    for shown in _shown(one, term, asker, limits):
        yield Tile(shown.picture, f"query · {term.subject}{weight}", shown.name, framed=True)


def _shown(one: Asked, term: Term, asker: Asker, limits: Limits) -> Iterator[Shown]:
    """Yield the pictures of a term; of a palette, one that is drawn."""
    if term.palette is not None:
        names = " ".join(swatch.hex or swatch.name or "any" for swatch in term.palette)
        yield Shown(swatch_picture(term.palette), names)
    for image in term.images:
        path = one.question.files.get(image.part or "")
        data = read_picture(path, limits) if path else asker.picture(image.key or "")
        yield Shown(data, path.name if path else (image.key or ""))


def _tile(rank: int, hit: Hit, asker: Asker) -> Tile:
    return Tile(asker.picture(hit.key), f"{rank}.  {hit.score:.4f}", hit.key)
