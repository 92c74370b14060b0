"""Questions from the shell: what is asked of an index, in this process or behind a server."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from indexer.sources import locate
from service.errors import QueryError
from service.query import Answer, Hit, Subject, check_limit


@dataclass(frozen=True)
class Question:
    """In which subjects pictures are compared, and how much is wanted."""

    subjects: Sequence[Subject]
    limit: int
    min_score: float

    def check(self, max_limit: int) -> None:
        """Raise QueryError for what is wrong whatever the index."""
        if not self.subjects:
            raise QueryError("name an attribute or a block, such as --attribute color or --block 3")
        check_limit(self.limit, max_limit)
        if not 0 <= self.min_score <= 1:
            raise QueryError(f"min-score is {self.min_score}: expected 0 to 1")


@dataclass(frozen=True)
class Asked:
    """One picture asked with, and its answer or what was wrong with it."""

    path: str
    subject: Subject
    answer: Answer | None = None
    problem: str | None = None

    def to_json(self) -> str:
        """Return one JSON object: the query's path, what was asked for, and the answer."""
        asked = {"attribute": self.subject.attribute, "block": self.subject.block}
        addresses = {"hits": {"__all__": {"image_url", "thumbnail_url"}}}
        fields = (
            self.answer.model_dump(mode="json", exclude_none=True, exclude=addresses)
            if self.answer
            else {}
        )
        return json.dumps(
            {"query": self.path, **{k: v for k, v in asked.items() if v is not None}, **fields},
            ensure_ascii=False,
        )


class Asker(Protocol):
    """An index that can be asked."""

    def ask(self, paths: Sequence[str], question: Question) -> Iterator[Asked]:
        """Yield an answer or a problem for each of ``paths`` in each subject, in order.

        Raises UnknownNameError or BlockError for a subject the index does not have.
        """
        ...

    def picture(self, hit: Hit) -> bytes | None:
        """Return the picture of a hit, or None if it is gone."""
        ...

    def close(self) -> None: ...


def subjects(attributes: Sequence[str], blocks: Sequence[int]) -> list[Subject]:
    """Return attributes and blocks as subjects, in this order."""
    return [*(Subject(attribute=name) for name in attributes), *(Subject(block=n) for n in blocks)]


def picture_paths(images: Sequence[str], listing: Path | None) -> list[str]:
    """Return the pictures given and those in a list file; raises QueryError if there are none."""
    paths = [*images, *(_listed(listing) if listing else [])]
    if not paths:
        raise QueryError("no picture is given: name one or more, or a list with --list FILE")
    return paths


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read the list {str(path)!r}: {error}") from error
    return [str(locate(line.strip(), path.parent)) for line in lines if line.strip()]
