"""Reasons for hits: for each term, where in the hit and in the query the likeness lies."""

from collections.abc import Sequence

from indexer.records import Item
from indexer.spaces import Space
from models.errors import PictureError
from models.extraction import Extractor
from service.composing import Part
from service.embedding import Embedded
from service.examples import Example, Examples
from service.explaining import (
    Explained,
    Seen,
    TermWhy,
    Why,
    explain_examples,
    explain_palette,
    explain_vector,
    look,
)


class Reasons:
    """Explains the hits of one query. Each of the query's pictures is looked at once.

    Without ``embedded``, on a later page, the query's own pictures are not there to be explained.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        embedded: Sequence[Embedded],
        extractor: Extractor,
        examples: Examples,
    ) -> None:
        self._parts, self._embedded = parts, embedded
        self._extractor, self._examples = extractor, examples
        self._seen: dict[int, list[Seen]] = {}

    def explain(self, item: Item) -> Why | None:
        """Return why ``item`` was found, or None if its picture is gone."""
        picture = self._picture(item)
        if picture is None:
            return None
        looks: dict[str, Seen] = {}
        terms = []
        for at, part in enumerate(self._parts):
            if part.space.name not in looks:
                looks[part.space.name] = self._look([picture], part.space)[0]
            terms.append(self._term(at, part, looks[part.space.name]))
        return Why(terms=terms)

    def _term(self, at: int, part: Part, hit: Seen) -> TermWhy:
        embedded = self._embedded[at] if self._embedded else None
        if embedded and embedded.palette is not None:
            colors = embedded.palette.local(part.space)
            return explain_palette(part.subject, part.space, hit, colors)
        if at not in self._seen:
            pictures = self._explained(embedded.examples) if embedded else []
            self._seen[at] = self._look(pictures, part.space)
        if self._seen[at]:
            return explain_examples(part.subject, part.space, hit, self._seen[at])
        return explain_vector(part.subject, part.space, hit, part.vector)

    def _look(self, pictures: Sequence[Explained], space: Space) -> list[Seen]:
        return look(pictures, space, self._extractor, self._examples.white)

    def _explained(self, examples: Sequence[Example]) -> list[Explained]:
        """Return the examples' pictures; none at all if one is gone, as the rest is not enough."""
        found = [self._picture(one.item) if one.item else _explained(one) for one in examples]
        there = [one for one in found if one is not None]
        return there if len(there) == len(found) else []

    def _picture(self, item: Item) -> Explained | None:
        try:
            return _explained(self._examples.picture_of(item))
        except PictureError:
            return None


def _explained(example: Example) -> Explained | None:
    return Explained(example.square, example.size) if example.square else None
