"""Answers drawn as collages: all queries in one picture, or one picture a query."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from indexer.store import CatalogStore
from models.images import Limits
from service.asking import Asked
from service.collage import Row, Tile, write_collage
from service.query import Hit


def draw_answers(
    target: Path, asked: Sequence[Asked], store: CatalogStore, limits: Limits
) -> Iterator[Path]:
    """Draw into ``target``, a picture file or a folder, and yield the files written.

    Raises CollageError if it cannot be written.
    """
    answered = [one for one in asked if one.answer is not None]
    if not answered:
        return
    rows = [_row(one, store) for one in answered]
    if target.suffix and not target.is_dir():
        write_collage(target, rows, limits)
        yield target
        return
    for number, (one, row) in enumerate(zip(answered, rows, strict=True), start=1):
        what = str(one.target).replace(" ", "-")
        path = target / f"{number:04}-{Path(one.path).stem}-{what}.png"
        write_collage(path, [row], limits)
        yield path


def _row(one: Asked, store: CatalogStore) -> Row:
    assert one.answer is not None
    hits = one.answer.hits
    query = Tile(Path(one.path), f"query · {one.target}", Path(one.path).name, framed=True)
    return Row(query, [_tile(rank, hit, store) for rank, hit in enumerate(hits, start=1)])


def _tile(rank: int, hit: Hit, store: CatalogStore) -> Tile:
    item = store.item(hit.key)
    return Tile(Path(item.source) if item else None, f"{rank}.  {hit.score:.4f}", hit.key)
