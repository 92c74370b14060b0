"""Asking an index in this process, many pictures to a batch."""

import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from models.errors import PictureError
from models.images import read_picture
from service.asking import Asked, Question
from service.opening import Opened
from service.search import Prepared

_BATCH = 64


class LocalAsker:
    """Implements ``Asker`` on an opened index."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        """Yield an answer or a problem for each question, in order."""
        for question in questions:
            self._opened.searcher.check(question.query)  # wrong ones show before any answer
        ahead = iter(questions)
        while some := list(islice(ahead, _BATCH)):
            yield from self._ask(some)

    def picture(self, key: str) -> bytes | None:
        """Return the bytes of an item's picture, or None if it is gone."""
        item = self._opened.store.item(key)
        try:
            if item is None:
                return None
            return read_picture(self._opened.store.locate(item), self._opened.limits)
        except PictureError:
            return None

    def close(self) -> None:
        """Close the index."""
        self._opened.close()

    def _ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        started = time.perf_counter()
        # One picture asked in several attributes is decoded, and goes through the network, once.
        prepared = [
            one
            for _, same in groupby(questions, lambda question: dict(question.files))
            for one in self._prepared(list(same))
        ]
        good = [one for one in prepared if isinstance(one, Prepared)]
        answers = list(self._opened.searcher.answer_prepared(good))
        took_ms = round((time.perf_counter() - started) * 1000 / max(len(good), 1), 3)
        found = iter(answers)
        for question, one in zip(questions, prepared, strict=True):
            if isinstance(one, str):
                yield Asked(question, problem=one)
            else:
                answer = next(found).model_copy(update={"took_ms": took_ms})
                yield Asked(question, answer)

    def _prepared(self, questions: Sequence[Question]) -> Iterator[Prepared | str]:
        """Yield questions about the same files made ready, or what is wrong with their pictures."""
        limits, searcher = self._opened.limits, self._opened.searcher
        try:
            files = questions[0].files.items()
            examples = searcher.examples({n: read_picture(path, limits) for n, path in files})
        except PictureError as error:
            yield from (str(error) for _ in questions)
            return
        for question in questions:
            try:
                yield searcher.prepare(question.query, examples)
            except PictureError as error:
                yield str(error)
