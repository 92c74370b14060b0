"""Answers drawn as collages: all queries in one picture, or one picture a query."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from models.images import Limits, read_picture
from service.asking import Asked, Asker
from service.collage import Row, Tile, check_ending, write_collage
from service.query import Hit


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
        what = str(one.subject).replace(" ", "-")
        path = target / f"{number:04}-{Path(one.path).stem}-{what}.png"
        write_collage(path, [_row(one, asker, limits)], limits)
        yield path


def check_target(target: Path) -> None:
    """Raise CollageError, before any work is done, for a file that no collage can be."""
    if is_file(target):
        check_ending(target)


def is_file(target: Path) -> bool:
    """Return whether ``target`` stands for one picture rather than a folder of them."""
    return bool(target.suffix) and not target.is_dir()


def _row(one: Asked, asker: Asker, limits: Limits) -> Row:
    path = Path(one.path)
    query = Tile(read_picture(path, limits), f"query · {one.subject}", path.name, framed=True)
    hits = one.answer.hits if one.answer else []
    return Row(query, [_tile(rank, hit, asker) for rank, hit in enumerate(hits, start=1)])


def _tile(rank: int, hit: Hit, asker: Asker) -> Tile:
    return Tile(asker.picture(hit), f"{rank}.  {hit.score:.4f}", hit.key)
