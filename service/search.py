"""The way of one query: examples to vectors, vectors to matches, matches to scored hits."""

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.manifest import Manifest
from indexer.records import Item
from indexer.spaces import Space, similarities
from indexer.store import CatalogStore, Matches, View
from models.errors import PictureError, shorten
from models.extraction import Extractor, RawPools
from models.images import Limits, decode
from models.preprocess import Pixels, to_square
from service.errors import NotYetError, QueryError
from service.query import Answer, Hit, ImageExample, Query, Subject, Term, TermScore
from service.scores import Scale


@dataclass(frozen=True)
class Wanted:
    """In what, how much, and how good."""

    subject: Subject
    limit: int
    min_score: float = 0.0


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
        wanted = Wanted(Subject(term.attribute, term.block), query.limit, query.min_score)
        space = self.space(wanted.subject)
        example = self._example(term, parts)
        if isinstance(example, Item):
            raw = self._store.pools(np.array([example.slot]), space.pools)
        else:
            raw = self._extractor.extract(example[None], space.pools)
        answer = self._answers(wanted, raw)[0]
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        return answer.model_copy(update={"took_ms": took_ms})

    def answer_squares(self, wanted: Wanted, squares: Sequence[Pixels]) -> list[Answer]:
        """Return an answer for each square, running the network no deeper than need be."""
        pools = self.space(wanted.subject).pools
        return self._answers(wanted, self._extractor.extract(np.stack(squares), pools))

    def space(self, subject: Subject) -> Space:
        """Return what a subject searches.

        Raises UnknownNameError or BlockError if the index has no such thing.
        """
        return _space(self._store.manifest, subject)

    def square(self, data: bytes) -> Pixels:
        """Return the (size, size, 3) pixels of a picture's bytes; raises PictureError."""
        preprocess = self._store.manifest.recipe.preprocess
        return to_square(decode(data, self._limits, preprocess.decode_at_least), preprocess)

    def _answers(self, wanted: Wanted, raw: RawPools) -> list[Answer]:
        """Return an answer for each row of ``raw``: scored hits, best first."""
        view = self._store.view()
        answers, whole = self._answers_of(view, wanted, raw)
        if not whole and (newest := self._store.view(newest=True)) is not view:
            # Hits were replaced or removed since the view was taken.
            answers, _ = self._answers_of(newest, wanted, raw)
        return answers

    def _answers_of(self, view: View, wanted: Wanted, raw: RawPools) -> tuple[list[Answer], bool]:
        """Return answers out of one view, and whether every item found is still there."""
        space = _space(view.manifest, wanted.subject)
        reference = view.reference(space)
        if not len(reference):  # an empty index has no mean to centre with, and no hits
            return [_answer(view, [], exact=True) for _ in raw[space.pools[0]]], True
        vectors = space.transform(raw)
        samples = similarities(vectors, reference, space.metric)
        found = view.search(space, vectors, wanted.limit)
        slots = np.unique(np.concatenate([matches.slots for matches in found]))
        items = self._store.items_in(slots.tolist())
        answers = []
        for matches, sample in zip(found, samples, strict=True):
            hits = _hits(wanted.subject, matches, items, Scale(sample, space.metric))
            good = [hit for hit in hits if hit.score >= wanted.min_score]
            answers.append(_answer(view, good, matches.exact))
        return answers, len(items) == len(slots)

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
            raise QueryError(f"terms[0].image.key: no item has the key {shorten(image.key)!r}")
        return item


def _space(manifest: Manifest, subject: Subject) -> Space:
    if subject.attribute is not None:
        return manifest.space_of_attribute(subject.attribute)
    if subject.block is None:
        raise QueryError("neither an attribute nor a block is given: name one of them")
    return manifest.space_of_block(subject.block)


def _answer(view: View, hits: list[Hit], exact: bool) -> Answer:
    generation = view.manifest.generation
    number = generation.number if generation else None
    return Answer(hits=hits, exact=exact, generation=number, took_ms=0.0)


def _hits(subject: Subject, matches: Matches, items: Mapping[int, Item], scale: Scale) -> list[Hit]:
    scores = scale.scores(matches.similarities)
    hits = []
    for slot, similarity, score in zip(
        matches.slots.tolist(), matches.similarities.tolist(), scores.tolist(), strict=True
    ):
        item = items.get(slot)
        if item is None:  # removed this very moment
            continue
        term = TermScore(
            attribute=subject.attribute, block=subject.block, similarity=similarity, score=score
        )
        hits.append(Hit(key=item.key, score=score, terms=[term], metadata=item.metadata))
    return hits


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
        raise QueryError(
            f"terms[0].image.part: no part {shorten(part)!r} was sent; sent were {sent}"
        )
    return parts[part]
