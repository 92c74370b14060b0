"""Asking an index in this process, many pictures to a batch."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.errors import PictureError
from models.images import read_picture
from models.preprocess import Pixels
from service.asking import Asked, Question
from service.opening import Opened
from service.query import Hit, Subject
from service.search import Wanted

_BATCH = 32


class LocalAsker:
    """Implements ``Asker`` on an opened index."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def ask(self, paths: Sequence[str], question: Question) -> Iterator[Asked]:
        """Yield an answer or a problem for each of ``paths`` in each subject, in order."""
        for subject in question.subjects:
            self._opened.searcher.space(subject)  # an unknown one is an error before any answer
        for at in range(0, len(paths), _BATCH):
            some = paths[at : at + _BATCH]
            squares = [self._square(path) for path in some]
            columns = [
                list(self._ask(subject, some, squares, question)) for subject in question.subjects
            ]
            for answers in zip(*columns, strict=True):
                yield from answers

    def picture(self, hit: Hit) -> bytes | None:
        """Return the bytes of a hit's picture, or None if it is gone."""
        item = self._opened.store.item(hit.key)
        try:
            return read_picture(Path(item.source), self._opened.limits) if item else None
        except PictureError:
            return None

    def close(self) -> None:
        """Close the index."""
        self._opened.close()

    def _ask(
        self,
        subject: Subject,
        paths: Sequence[str],
        squares: Sequence[Pixels | str],
        question: Question,
    ) -> Iterator[Asked]:
        started = time.perf_counter()
        good = [one for one in squares if not isinstance(one, str)]
        wanted = Wanted(subject, question.limit, question.min_score)
        found = iter(self._opened.searcher.answer_squares(wanted, good) if good else ())
        took_ms = round((time.perf_counter() - started) * 1000 / max(len(good), 1), 3)
        for path, square in zip(paths, squares, strict=True):
            if isinstance(square, str):
                yield Asked(path, subject, problem=square)
            else:
                answer = next(found).model_copy(update={"took_ms": took_ms})
                yield Asked(path, subject, answer)

    def _square(self, path: str) -> Pixels | str:
        try:
            return self._opened.searcher.square(read_picture(Path(path), self._opened.limits))
        except PictureError as error:
            return str(error)
