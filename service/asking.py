"""Questions from the shell: many pictures to one attribute, embedded in batches."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import PictureError
from models.images import read_picture
from models.preprocess import Pixels
from service.errors import QueryError
from service.opening import Opened
from service.query import Answer
from service.search import Target

_BATCH = 32


@dataclass(frozen=True)
class Asked:
    """One picture asked with, and its answer or what was wrong with it."""

    path: str
    target: Target
    answer: Answer | None = None
    problem: str | None = None

    def to_json(self) -> str:
        """Return one JSON object: the query's path, what was asked for, and the answer."""
        asked = {"attribute": self.target.attribute, "block": self.target.block}
        fields = self.answer.model_dump(mode="json", exclude_none=True) if self.answer else {}
        return json.dumps(
            {"query": self.path, **{k: v for k, v in asked.items() if v is not None}, **fields},
            ensure_ascii=False,
        )


def picture_paths(images: Sequence[str], listing: Path | None) -> list[str]:
    """Return the pictures given and those in a list file; raises QueryError if there are none."""
    paths = [*images, *(_listed(listing) if listing else [])]
    if not paths:
        raise QueryError("no picture is given: name one or more, or a list with --list FILE")
    return paths


def check_question(
    attributes: Sequence[str], blocks: Sequence[int], limit: int, min_score: float, max_limit: int
) -> None:
    """Raise QueryError for a question that is wrong whatever the index."""
    if not attributes and not blocks:
        raise QueryError("name an attribute or a block, such as --attribute color or --block 3")
    check_limit(limit, max_limit)
    if not 0 <= min_score <= 1:
        raise QueryError(f"min-score is {min_score}: expected 0 to 1")


def check_limit(limit: int, max_limit: int) -> None:
    """Raise QueryError unless ``limit`` lies in 1 to ``max_limit``."""
    if not 1 <= limit <= max_limit:
        raise QueryError(f"limit is {limit}: expected 1 to {max_limit}")


def ask(
    opened: Opened,
    targets: Sequence[Target],
    paths: Sequence[str],
    limit: int,
    min_score: float,
) -> Iterator[Asked]:
    """Yield an answer (or a problem) for each of ``paths`` in each of ``targets``, in order."""
    for at in range(0, len(paths), _BATCH):
        some = paths[at : at + _BATCH]
        squares = [_square(opened, path) for path in some]
        columns = [
            list(_ask_batch(opened, target, some, squares, limit, min_score)) for target in targets
        ]
        for answers in zip(*columns, strict=True):
            yield from answers


def _ask_batch(
    opened: Opened,
    target: Target,
    paths: Sequence[str],
    squares: Sequence[Pixels | str],
    limit: int,
    min_score: float,
) -> Iterator[Asked]:
    started = time.perf_counter()
    good = [one for one in squares if not isinstance(one, str)]
    answers: Iterator[Answer] = iter(())
    if good:
        found = opened.searcher.answer_squares(target, good, limit, min_score)
        took = round((time.perf_counter() - started) * 1000 / len(good), 3)
        answers = (answer.model_copy(update={"took_ms": took}) for answer in found)
    for path, square in zip(paths, squares, strict=True):
        if isinstance(square, str):
            yield Asked(path, target, problem=square)
        else:
            yield Asked(path, target, next(answers))


def _square(opened: Opened, path: str) -> Pixels | str:
    try:
        return opened.searcher.square(read_picture(Path(path), opened.limits))
    except PictureError as error:
        return str(error)


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read the list {str(path)!r}: {error}") from error
    return [_located(line.strip(), path.parent) for line in lines if line.strip()]


def _located(written: str, folder: Path) -> str:
    """Paths count from the working folder, or from the list's own if only there a file is."""
    beside = folder / written
    return str(beside) if not Path(written).is_file() and beside.is_file() else written
