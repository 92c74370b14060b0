"""Questions from the shell: what is asked of an index, in this process or behind a server."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.sources import locate
from service.answer import Answer
from service.errors import QueryError
from service.query import ImageExample, Query, Subject, Term


@dataclass(frozen=True)
class Question:
    """A query, what to call it, and the files that its parts are."""

    name: str
    query: Query
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """In what it compares, such as ``color`` or ``color, texture``."""
        return ", ".join(str(term.subject) for term in self.query.terms) or "the query before"


@dataclass(frozen=True)
class Asked:
    """A question, and its answer or what was wrong with its pictures."""

    question: Question
    answer: Answer | None = None
    problem: str | None = None

    def to_json(self) -> str:
        """Return one JSON object: the query's name, what was asked for, and the answer."""
        terms = self.question.query.terms
        subject = terms[0].subject if len(terms) == 1 else Subject()
        asked = {"attribute": subject.attribute, "block": subject.block}
        addresses = {"hits": {"__all__": {"image_url", "thumbnail_url"}}}
        fields = (
            self.answer.model_dump(mode="json", exclude_none=True, exclude=addresses)
            if self.answer
            else {}
        )
        document = {
            "query": self.question.name,
            **{name: value for name, value in asked.items() if value is not None},
            **fields,
        }
        return json.dumps(document, ensure_ascii=False)


class Asker(Protocol):
    """An index that can be asked."""

    def ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        """Yield an answer or a problem for each question, in order.

        A picture that cannot be read is a problem of its question; what else is wrong is raised,
        as ``Searcher.answer`` does.
        """
        ...

    def picture(self, key: str) -> bytes | None:
        """Return the picture of an item, or None if it is gone."""
        ...

    def close(self) -> None: ...


def each_in_each(
    examples: Sequence[tuple[str, ImageExample, Mapping[str, Path]]],
    subjects: Sequence[Subject],
    query: Query,
) -> Iterator[Question]:
    """Yield a question for each example in each subject, all else being as in ``query``."""
    for name, image, files in examples:
        for subject in subjects:
            term = Term(attribute=subject.attribute, block=subject.block, image=image)
            yield Question(name, query.model_copy(update={"terms": [term]}), files)


def subjects(attributes: Sequence[str], blocks: Sequence[int]) -> list[Subject]:
    """Return attributes and blocks as subjects, in this order; raises QueryError for none."""
    found = [*(Subject(attribute=name) for name in attributes), *(Subject(block=n) for n in blocks)]
    if not found:
        raise QueryError("name an attribute or a block, such as --attribute color or --block 3")
    return found


def picture_paths(images: Sequence[str], listing: Path | None) -> list[str]:
    """Return the pictures given and those in a list file."""
    return [*images, *(_listed(listing) if listing else [])]


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read the list {str(path)!r}: {error}") from error
    return [str(locate(line.strip(), path.parent)) for line in lines if line.strip()]
