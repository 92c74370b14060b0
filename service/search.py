"""The way of one query: examples to vectors, vectors to a ranking, the ranking to hits."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from indexer.errors import UnknownKeyError
from indexer.filters import ALL, FilterLimits, check_filter
from indexer.manifest import Manifest
from indexer.records import Item
from indexer.spaces import Slots, Space
from indexer.store import CatalogStore, View
from models.errors import shorten
from models.extraction import Extractor
from models.images import Limits
from service.answer import Answer, Hit, TermScore
from service.batching import Runs
from service.composing import Part, Ranking, rank_items, score_items
from service.cursors import Cursor, CursorError, decode_cursor, query_digest
from service.embedding import Embedded, Embedder, Wanted
from service.errors import QueryError
from service.examples import Example, Examples
from service.expanding import check_expand, expanded
from service.fetching import Fetch, fetch_nothing
from service.folding import first_of_each
from service.palettes import check_palette
from service.query import Query, Subject, Term, check_limit
from service.stages import stage
from service.why import Reasons

# An index that is written to all the time may be another after each try.
_TRIES = 3


@dataclass(frozen=True)
class QueryLimits:
    """What a query may ask for."""

    limit: int = 1000
    terms: int = 16
    explained: int = 20
    depth: int = 10_000
    filter: FilterLimits = field(default_factory=FilterLimits)


@dataclass(frozen=True)
class Prepared:
    """A query whose examples are decoded, or that goes on from a cursor."""

    query: Query
    examples: tuple[tuple[Example, ...], ...] = ()
    cursor: Cursor | None = None


class Searcher:
    """Answers queries on one store. Thread-safe; calls are processor-bound and may take long."""

    def __init__(
        self,
        store: CatalogStore,
        extractor: Extractor,
        limits: Limits,
        query_limits: QueryLimits | None = None,
        fetch: Fetch = fetch_nothing,
        runs: Runs | None = None,
    ) -> None:
        """``runs`` is what pictures of queries go through in the stead of ``extractor``."""
        self._store, self._limits = store, limits
        self.fetch = fetch
        self.extractor = extractor
        self.embedder = Embedder(store, extractor, runs)
        self.query_limits = query_limits or QueryLimits()

    def answer(self, query: Query, parts: Mapping[str, bytes]) -> Answer:
        """Return the hits of ``query``; ``parts`` holds the pictures it refers to by part.

        Raises QueryError, UnknownNameError, BlockError, FilterError or PictureError for what is
        wrong in it.
        """
        started = time.perf_counter()
        self.check(query)
        with stage("decode"):
            prepared = self.prepare(query, self.examples(parts))
        with stage("embed"):
            embedded = next(self._embed([prepared]))
        answer = self._answer(prepared, embedded)
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        return answer.model_copy(update={"took_ms": took_ms})

    def check(self, query: Query) -> None:
        """Raise what is wrong with ``query`` that can be told without a picture."""
        allowed = self.query_limits
        self.check_limit(query.limit)
        if query.explain and query.limit > allowed.explained:
            raise QueryError(
                f"limit is {query.limit}: expected 1 to {allowed.explained} with explain"
            )
        if len(query.terms) > allowed.terms:
            raise QueryError(f"terms has {len(query.terms)}: expected at most {allowed.terms}")
        columns = {name: kind for name, (kind, _) in self._store.columns().items()}
        check_filter(query.filter, columns, allowed.filter)
        for at, term in enumerate(query.terms):
            space = self.space(term.subject)
            check_expand(term.expand, space, term.weight, f"terms[{at}].expand")
            if term.palette is not None:
                check_palette(term.palette, term.attribute, f"terms[{at}].palette")

    def check_limit(self, limit: int) -> None:
        """Raise QueryError for more hits than may be asked for, or fewer than one."""
        check_limit(limit, self.query_limits.limit)

    def examples(self, parts: Mapping[str, bytes]) -> Examples:
        """Return a loader of examples that finds the pictures ``parts`` by name."""
        return Examples(self._store, self._limits, parts, self.fetch)

    def prepare(self, query: Query, examples: Examples) -> Prepared:
        """Return ``query``, which was checked, with its examples loaded.

        Raises QueryError or PictureError.
        """
        if query.cursor is not None:
            return self._resume(query, query.cursor)
        loaded = [
            tuple(
                examples.load(image, _place(at, number, term))
                for number, image in enumerate(term.images)
            )
            for at, term in enumerate(query.terms)
        ]
        return Prepared(query, tuple(loaded))

    def explain(self, query: Query, parts: Mapping[str, bytes], key: str) -> Hit:
        """Return the item with ``key`` as a hit of ``query``, with why it would be found.

        Raises UnknownKeyError if there is no such item, or its picture is gone.
        """
        self.check(query)
        with stage("decode"):
            prepared = self.prepare(query, self.examples(parts))
        item = self._store.item(key)
        if item is None:
            raise UnknownKeyError(f"no item has the key {shorten(key)!r}")
        view = self._view(prepared)
        if not _has_sample(view, query, prepared.cursor):
            raise UnknownKeyError(f"item {shorten(key)!r} cannot be searched yet")
        with stage("embed"):
            embedded = next(self._embed([prepared]))
        terms = _parts(view, query, prepared.cursor, embedded)
        ranking = score_items(view, terms, np.array([item.slot]))
        hit = _hits(terms, _Page(ranking, np.arange(1), 1), {item.slot: item})[0]
        reasons = Reasons(terms, embedded, self.extractor, self.examples({}))
        with stage("explain"):
            hit.why = reasons.explain(item)
        if hit.why is None:
            raise UnknownKeyError(
                f"the picture of {shorten(key)!r} is no longer where it was indexed from"
            )
        return hit

    def answer_prepared(self, prepared: Sequence[Prepared]) -> Iterator[Answer]:
        """Yield the answers, the network having run over the pictures of all in batches."""
        for one, embedded in zip(prepared, self._embed(prepared), strict=True):
            yield self._answer(one, embedded)

    def space(self, subject: Subject) -> Space:
        """Return what a subject searches.

        Raises UnknownNameError or BlockError if the index has no such thing.
        """
        return _space(self._store.manifest, subject)

    def _embed(self, prepared: Sequence[Prepared]) -> Iterator[list[Embedded]]:
        """Yield the terms of each query embedded; none for one that goes on from a cursor."""
        wanted: list[list[Wanted]] = []
        for one in prepared:
            terms = [] if one.cursor else zip(one.query.terms, one.examples, strict=True)
            wanted.append([(self.space(term.subject), term, loaded) for term, loaded in terms])
        yield from self.embedder.embed(wanted)

    def _answer(self, prepared: Prepared, embedded: Sequence[Embedded]) -> Answer:
        view = self._view(prepared)
        for _ in range(_TRIES):
            answer, whole = self._answer_of(view, prepared, embedded)
            if whole or prepared.cursor is not None:
                break
            before, view = view, self._store.view(newest=True)
            if view is before:
                break
        return answer

    def _view(self, prepared: Prepared) -> View:
        if prepared.cursor is None:
            return self._store.view()
        found = self._store.view_of(prepared.cursor.statistics)
        if found is None:
            raise CursorError(
                "cursor is too old: the index has changed so much since that its means were taken "
                "anew; ask again without it"
            )
        return found

    def _answer_of(
        self, view: View, prepared: Prepared, embedded: Sequence[Embedded]
    ) -> tuple[Answer, bool]:
        """Return the answer out of one view, and whether it was the newest as far as that counts:
        the items found are still there, and so were those that the filter was held against."""
        query, cursor = prepared.query, prepared.cursor
        if not _has_sample(view, query, cursor):  # an empty index has no mean, and no hits
            return _answer(view, [], exact=True, cursor=None), True
        parts = _parts(view, query, cursor, embedded)
        start = cursor or _first(view, query, parts)
        with stage("search"):
            selected = view.within(start.filter, before=start.end, without=start.shown)
            current = start.filter == ALL or view.is_current()
            page = self._page(selected, parts, query.limit, start)
            items = self._store.items_in(page.ranking.slots.tolist())
        whole = current and all(slot in items for slot in page.ranking.slots.tolist())
        hits = _hits(parts, page, items)
        if query.explain:
            reasons = Reasons(parts, embedded, self.extractor, self.examples({}))
            by_key = {item.key: item for item in items.values()}
            with stage("explain"):
                for hit in hits:
                    hit.why = reasons.explain(by_key[hit.key])
        return _answer(view, hits, page.ranking.exact, self._next(start, page)), whole

    def _page(self, view: View, parts: Sequence[Part], limit: int, start: Cursor) -> "_Page":
        """Return the next ``limit`` items that score enough, duplicates folded if asked for."""
        asked = limit + 1  # one more says whether there is a next page
        while True:
            ranking = rank_items(view, parts, asked)
            enough = int(np.count_nonzero(ranking.scores >= start.min_score))
            page = _Page(ranking.first(enough), np.arange(enough), limit)
            if start.collapse:
                firsts = first_of_each(view, page.ranking.slots, start.firsts)
                page = replace(page, firsts=firsts)
            drained = enough < len(ranking.slots) or len(ranking.slots) < asked
            if page.more or drained or asked >= self.query_limits.depth:
                return page
            asked *= 2

    def _next(self, start: Cursor, page: "_Page") -> Cursor | None:
        shown = np.concatenate([start.shown, page.consumed])
        if not page.more or len(shown) >= self.query_limits.depth:
            return None
        firsts = np.concatenate([start.firsts, page.ranking.slots[page.places]])
        return replace(
            start, shown=np.sort(shown), firsts=np.sort(firsts) if start.collapse else start.firsts
        )

    def _resume(self, query: Query, text: str) -> Prepared:
        cursor = decode_cursor(text, self._store.manifest)
        if query.terms and query_digest(query) != cursor.digest:
            raise CursorError("cursor is of another query: send it with the same one, or alone")
        for subject, vector in zip(cursor.subjects, cursor.vectors, strict=True):
            width = self._store.manifest.dimension(self.space(subject))
            if len(vector) != width:
                raise CursorError(f"cursor has {len(vector)} numbers for {subject}, not {width}")
        return Prepared(query, cursor=cursor)


@dataclass(frozen=True)
class _Page:
    """A ranking, for each of its items the place of the first like it (-1: on an earlier page),
    and how many are wanted."""

    ranking: Ranking
    firsts: Slots
    limit: int

    @property
    def places(self) -> list[int]:
        """Where the hits of this page stand in the ranking."""
        return [at for at, first in enumerate(self.firsts.tolist()) if at == first][: self.limit]

    @property
    def more(self) -> bool:
        """Whether there is a hit past this page."""
        return int(np.count_nonzero(self.firsts == np.arange(len(self.firsts)))) > self.limit

    @property
    def consumed(self) -> Slots:
        """The slots that this page shows, folded ones and what it passed over included."""
        places = self.places
        taken = (self.firsts < 0) | np.isin(self.firsts, places)
        return self.ranking.slots[taken]


def _has_sample(view: View, query: Query, cursor: Cursor | None) -> bool:
    subjects = cursor.subjects if cursor else [term.subject for term in query.terms]
    return all(len(view.reference(_space(view.manifest, one))) for one in subjects)


def _parts(
    view: View, query: Query, cursor: Cursor | None, embedded: Sequence[Embedded]
) -> list[Part]:
    """Return the terms with their vectors, as this view's means make them."""
    if cursor:
        found = zip(cursor.subjects, cursor.weights, cursor.vectors, strict=True)
        return [Part(one, _space(view.manifest, one), v, weight) for one, weight, v in found]
    parts = []
    for term, one in zip(query.terms, embedded, strict=True):
        space = _space(view.manifest, term.subject)
        vector = one.vector(space)
        if term.expand:
            own = [example.item.slot for example in one.examples if example.item is not None]
            vector = expanded(view, space, vector, term.expand, np.array(own, np.int64))
        parts.append(Part(term.subject, space, vector, term.weight))
    return parts


def _first(view: View, query: Query, parts: Sequence[Part]) -> Cursor:
    return Cursor(
        identity=view.manifest.identity,
        statistics=view.manifest.statistics,
        end=view.end,
        subjects=tuple(part.subject for part in parts),
        weights=tuple(part.weight for part in parts),
        vectors=tuple(part.vector for part in parts),
        filter=query.filter,
        min_score=query.min_score,
        collapse=query.collapse,
        digest=query_digest(query),
        shown=np.empty(0, np.int64),
        firsts=np.empty(0, np.int64),
    )


def _place(term: int, image: int, of: Term) -> str:
    return f"terms[{term}].image[{image}]" if isinstance(of.image, list) else f"terms[{term}].image"


def _space(manifest: Manifest, subject: Subject) -> Space:
    if subject.attribute is not None:
        return manifest.space_of_attribute(subject.attribute)
    if subject.block is None:
        raise QueryError("neither an attribute nor a block is given: name one of them")
    return manifest.space_of_block(subject.block)


def _answer(view: View, hits: list[Hit], exact: bool, cursor: Cursor | None) -> Answer:
    generation = view.manifest.generation
    return Answer(
        hits=hits,
        next_cursor=cursor.encode() if cursor else None,
        exact=exact,
        generation=generation.number if generation else None,
        took_ms=0.0,
    )


def _hits(parts: Sequence[Part], page: _Page, items: Mapping[int, Item]) -> list[Hit]:
    ranking, firsts = page.ranking, page.firsts
    slots = ranking.slots.tolist()
    hits = []
    for at in page.places:
        item = items.get(slots[at])
        if item is None:  # removed this very moment
            continue
        folded = [items[slots[i]].key for i in np.flatnonzero(firsts == at).tolist()
                  if i != at and slots[i] in items]  # fmt: skip
        terms = [
            TermScore(
                attribute=part.subject.attribute,
                block=part.subject.block,
                similarity=float(ranking.similarities[number][at]),
                score=float(ranking.term_scores[number][at]),
            )
            for number, part in enumerate(parts)
        ]
        hits.append(
            Hit(
                key=item.key,
                score=float(ranking.scores[at]),
                terms=terms,
                metadata=item.metadata,
                duplicates=folded or None,
            )
        )
    return hits
