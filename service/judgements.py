"""Judgements as people and machines read them."""

import json
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from indexer.feedback import Judgement, Shown
from indexer.store import CatalogStore


class JudgedColor(BaseModel):
    """A color of a palette that was searched with, and its share; shares sum to 1."""

    color: str
    share: float


class JudgedQuery(BaseModel):
    """What was searched with: one of these, the others are null."""

    key: str | None = None
    sha256: str | None = Field(None, description="Of the picture, or of it with what counts of it.")
    palette: list[JudgedColor] | None = None


class JudgementView(BaseModel):
    """One judgement; ``usable`` while its items are still the pictures that were judged."""

    id: int
    time: str
    attribute: str
    query: JudgedQuery
    hit: str
    same: bool
    usable: bool
    key_id: str | None = Field(None, description="Id of the API key that it came with.")


class FeedbackPage(BaseModel):
    """Judgements in order of id; ``next`` is the id to go on after, if there are more, ``count``
    how many there are in all."""

    feedback: list[JudgementView]
    next: int | None = None
    count: int


def page_of(store: CatalogStore, attribute: str | None, after: int, limit: int) -> FeedbackPage:
    """Return up to ``limit`` judgements of an attribute, or all, with an id above ``after``."""
    found = store.feedback.page(attribute, after, limit + 1)
    more = found[limit - 1].id if len(found) > limit else None
    views = view(store, found[:limit])
    return FeedbackPage(feedback=views, next=more, count=store.feedback.count(attribute))


def view(store: CatalogStore, judgements: Sequence[Judgement]) -> list[JudgementView]:
    """Return judgements as they are shown."""
    live = store.items_in(sorted({slot for one in judgements for slot in slots_of(one)}))
    return [
        JudgementView(
            id=one.id,
            time=one.time,
            attribute=one.attribute,
            query=_query(one),
            hit=one.hit.key,
            same=one.same,
            usable=all(slot in live for slot in slots_of(one)),
            key_id=one.key_id,
        )
        for one in judgements
    ]


def slots_of(judgement: Judgement) -> Iterable[int]:
    """Return the slots of the items of a judgement: one or two."""
    query = judgement.query
    return (*([query.slot] if isinstance(query, Shown) else []), judgement.hit.slot)


def _query(judgement: Judgement) -> JudgedQuery:
    query = judgement.query
    if isinstance(query, Shown):
        return JudgedQuery(key=query.key)
    if query.palette is None:
        return JudgedQuery(sha256=query.digest)
    colors = [JudgedColor(color=color, share=share) for color, share in json.loads(query.palette)]
    return JudgedQuery(palette=colors)
