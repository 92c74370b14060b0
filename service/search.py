"""The way of one query: examples to vectors, vectors to matches, matches to scored hits."""

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.catalog import Item
from indexer.spaces import Space, similarities
from indexer.store import CatalogStore, Matches
from models.errors import PictureError
from models.extraction import Extractor, RawPools
from models.images import Limits, decode
from models.preprocess import Pixels, to_square
from service.errors import NotYetError, QueryError
from service.query import Answer, Hit, ImageExample, Query, Subject, Term, TermScore
from service.scores import Scale


@dataclass(frozen=True)
class Target:
    """What a term searches: an attribute or a block, and its space."""

    subject: Subject
    space: Space


class Searcher:
    """Answers queries on one store. Thread-safe; calls are processor-bound and may take long."""

    def __init__(self, store: CatalogStore, extractor: Extractor, limits: Limits) -> None:
        self._store, self._extractor, self._limits = store, extractor, limits

    def answer(self, query: Query, parts: Mapping[str, bytes]) -> Answer:
        """Return the hits of ``query``; ``parts`` holds the pictures it refers to by part.

        Raises QueryError, UnknownNameError, BlockError or PictureError for what is wrong in it.
        """
        started = time.perf_counter()
        term = _only_term(query)
        target = self.target(Subject(term.attribute, term.block))
        example = self._example(term, parts)
        if isinstance(example, Item):
            raw = self._store.pools(np.array([example.slot]), target.space.pools)
            answer = self._answers(target, raw, query.limit, query.min_score)[0]
        else:
            answer = self.answer_squares(target, [example], query.limit, query.min_score)[0]
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        return answer.model_copy(update={"took_ms": took_ms})

    def target(self, subject: Subject) -> Target:
        """Return what an attribute or a block searches.

        Raises UnknownNameError or BlockError if the index has no such thing.
        """
        manifest = self._store.manifest
        if subject.attribute is not None:
            return Target(subject, manifest.space_of_attribute(subject.attribute))
        if subject.block is None:
            raise QueryError("neither an attribute nor a block is given: name one of them")
        return Target(subject, manifest.space_of_block(subject.block))

    def square(self, data: bytes) -> Pixels:
        """Return the (size, size, 3) pixels of a picture's bytes; raises PictureError."""
        preprocess = self._store.manifest.recipe.preprocess
        return to_square(decode(data, self._limits, preprocess.decode_at_least), preprocess)

    def answer_squares(
        self, target: Target, squares: Sequence[Pixels], limit: int, min_score: float
    ) -> list[Answer]:
        """Return an answer for each square, running the network no deeper than need be."""
        raw = self._extractor.extract(np.stack(squares), target.space.pools)
        return self._answers(target, raw, limit, min_score)

    def _answers(self, target: Target, raw: RawPools, limit: int, min_score: float) -> list[Answer]:
        """Return an answer for each row of ``raw``: scored hits, best first."""
        space = target.space
        reference = self._store.reference(space)
        if not len(reference):  # an empty index has no mean to centre with, and no hits
            return [self._answer([], exact=True) for _ in raw[space.pools[0]]]
        vectors = space.transform(raw)
        found = self._store.search(space, vectors, limit)
        samples = similarities(vectors, reference, space.metric)
        answers = []
        for matches, sample in zip(found, samples, strict=True):
            hits = self._hits(target, matches, Scale(sample, space.metric))
            answers.append(self._answer([h for h in hits if h.score >= min_score], matches.exact))
        return answers

    def _hits(self, target: Target, matches: Matches, scale: Scale) -> list[Hit]:
        items = self._store.items_in(matches.slots.tolist())
        scores = scale.scores(matches.similarities)
        hits = []
        for slot, similarity, score in zip(
            matches.slots.tolist(), matches.similarities.tolist(), scores.tolist(), strict=True
        ):
            item = items.get(slot)
            if item is None:  # removed since the snapshot was taken
                continue
            term = TermScore(
                attribute=target.subject.attribute,
                block=target.subject.block,
                similarity=similarity,
                score=score,
            )
            hits.append(Hit(key=item.key, score=score, terms=[term], metadata=item.metadata))
        return hits

    def _example(self, term: Term, parts: Mapping[str, bytes]) -> Item | Pixels:
        image = term.image
        if not isinstance(image, ImageExample):
            raise NotYetError("terms[0].palette" if image is None else "terms[0].image as a list")
        if image.key is None:
            try:
                return self.square(_bytes(image, parts))
            except PictureError as error:
                where = f"part {image.part!r}" if image.part is not None else "base64"
                raise type(error)(f"terms[0].image, {where}: {error}") from error
        item = self._store.item(image.key)
        if item is None:
            raise QueryError(f"terms[0].image.key: no item has the key {image.key!r}")
        return item

    def _answer(self, hits: list[Hit], exact: bool) -> Answer:
        generation = self._store.manifest.generation
        number = generation.number if generation else None
        return Answer(hits=hits, exact=exact, generation=number, took_ms=0.0)


def _only_term(query: Query) -> Term:
    """Return the one term that is answered today; raise NotYetError for all that is not."""
    term = query.terms[0]
    image = term.image if isinstance(term.image, ImageExample) else None
    refused = {
        "more than one term": len(query.terms) > 1,
        "terms[0].weight other than a positive number": not term.weight > 0,
        "terms[0].image.region": image is not None and image.region is not None,
        "terms[0].image.mask": image is not None and image.mask is not None,
        "terms[0].image.url": image is not None and image.url is not None,
        "filter": bool(query.filter),
        "cursor": query.cursor is not None,
        "collapse": query.collapse is not None,
        "explain": query.explain,
    }
    for field, given in refused.items():
        if given:
            raise NotYetError(field)
    return term


def _bytes(image: ImageExample, parts: Mapping[str, bytes]) -> bytes:
    if image.base64 is not None:
        try:
            return base64.b64decode(image.base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise PictureError(f"it is not base64: {error}") from error
    part = image.part or ""
    if part not in parts:
        sent = ", ".join(map(repr, parts)) or "none"
        raise QueryError(f"terms[0].image.part: no part {part!r} was sent; sent were {sent}")
    return parts[part]
