"""The judgements of an attribute as arrays to learn from."""

from dataclasses import dataclass

import numpy as np

from indexer.feedback import Example, Judgement, unpack
from indexer.store import CatalogStore
from models.extraction import RawPools
from service.errors import FeedbackError
from service.judgements import slots_of
from service.learning.pairs import Pairs


@dataclass(frozen=True)
class Judged:
    """Pairs of the rows of ``pools``, which are (m, channels) float32 each, every stored one.

    ``gone`` are how many more judgements there are whose items were removed or replaced since, or
    have damaged pools.
    """

    pools: RawPools
    pairs: Pairs
    gone: int


def gather(store: CatalogStore, attribute: str) -> Judged:
    """Return what was judged in an attribute, and can be used.

    Raises FeedbackError if there is nothing, CatalogError for a damaged example.
    """
    every = list(store.feedback.every(attribute))
    if not every:
        known = ", ".join(store.feedback.counts()) or "none"
        raise FeedbackError(f"nobody has judged {attribute!r} yet: attributes judged are {known}")
    usable = _sound(store, sorted({slot for one in every for slot in slots_of(one)}))
    kept = [one for one in every if usable.issuperset(slots_of(one))]
    if not kept:
        raise FeedbackError(
            f"the items of all {len(every)} judgements of {attribute!r} are gone or replaced"
        )
    slots = sorted({slot for one in kept for slot in slots_of(one)})
    digests = sorted({one.query.digest for one in kept if isinstance(one.query, Example)})
    sides: list[int | str] = [*slots, *digests]
    place = {side: at for at, side in enumerate(sides)}
    rows = [[place[_query(one)], place[one.hit.slot]] for one in kept]
    pairs = Pairs(np.array(rows, np.int64), np.array([one.same for one in kept], np.bool_))
    return Judged(_pools(store, slots, digests), pairs, len(every) - len(kept))


def _sound(store: CatalogStore, slots: list[int]) -> set[int]:
    """Return those of ``slots`` that items hold whose pools are what was written."""
    live = np.array(sorted(store.items_in(slots)), np.int64)
    damaged = {slot for slot, _ in store.damaged(live)} if len(live) else set[int]()
    return set(live.tolist()) - damaged


def _query(judgement: Judgement) -> int | str:
    query = judgement.query
    return query.digest if isinstance(query, Example) else query.slot


def _pools(store: CatalogStore, slots: list[int], digests: list[str]) -> RawPools:
    names = list(store.manifest.pools)
    found = store.pools(np.array(slots, np.int64), names)
    if not digests:
        return found
    packed = store.feedback.pools(digests)
    examples = unpack([packed[digest] for digest in digests], store.manifest.pools)
    return {name: np.concatenate([found[name], examples[name]]) for name in names}
