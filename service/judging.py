"""Judgements of hits as a request sends them, and how they are recorded."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from indexer.errors import UnknownKeyError
from indexer.feedback import Example, Judgement, Outcome, Shown, pack
from indexer.store import CatalogStore
from models.errors import shorten
from models.preprocess import Square
from service.errors import FeedbackError
from service.examples import Examples
from service.palettes import check_palette
from service.query import MAX_EXAMPLES, ImageExample, Swatch
from service.search import Searcher
from service.stages import stage

MAX_PAIRS = 100
"""Judgements of one request."""
_BATCH = 32


class PaletteExample(BaseModel):
    """Colors that were searched with; every one of them has a name."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    palette: Annotated[list[Swatch], Field(min_length=1, max_length=MAX_EXAMPLES)] = Field(
        description="Colors with their shares, as in a term, but without any."
    )


def _tag(given: Any) -> str:
    is_palette = isinstance(given, PaletteExample) or (
        isinstance(given, Mapping) and "palette" in given
    )
    return "Palette" if is_palette else "Picture"


Asked = Annotated[
    Annotated[ImageExample, Tag("Picture")] | Annotated[PaletteExample, Tag("Palette")],
    Discriminator(_tag),
]


class Pair(BaseModel):
    """One judgement: whether a hit is the same as the query in an attribute."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attribute: str = Field(examples=["color"])
    query: Asked = Field(description="What was searched with: a picture as in a term, or colors.")
    hit: str = Field(description="Key of the item that was found.")
    same: bool = Field(description="true: the same in this attribute; false: different.")


class Feedback(BaseModel):
    """Judgements, all recorded or none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pairs: list[Pair] = Field(min_length=1, max_length=MAX_PAIRS)


class Recorded(BaseModel):
    """What became of judgements: how many are new, took the place of their opposite, or were
    there already."""

    created: int
    replaced: int
    unchanged: int


def recorded(outcomes: Sequence[Outcome]) -> Recorded:
    """Return how often each outcome is there."""
    return Recorded(
        created=outcomes.count("created"),
        replaced=outcomes.count("replaced"),
        unchanged=outcomes.count("unchanged"),
    )


class Judge:
    """Records judgements made of the hits of one index."""

    def __init__(self, store: CatalogStore, searcher: Searcher, most: int) -> None:
        """The index keeps at most ``most`` of them."""
        self._store, self._searcher, self._most = store, searcher, most

    def record(
        self, feedback: Feedback, parts: Mapping[str, bytes], key_id: str | None = None
    ) -> Recorded:
        """Record judgements, durably; ``parts`` holds the pictures they refer to by part.

        Raises UnknownKeyError, UnknownNameError, FeedbackError, QueryError, PictureError or
        FeedbackFullError, and records nothing.
        """
        for at, pair in enumerate(feedback.pairs):
            self._store.manifest.space_of_attribute(pair.attribute)
            if isinstance(pair.query, PaletteExample):
                _check_colors(pair.query, pair.attribute, f"pairs[{at}].query.palette")
        examples = _Gathered(self._store, self._searcher.examples(parts))
        judgements = []
        with stage("decode"):
            for at, pair in enumerate(feedback.pairs):
                query, hit = examples.query(pair, at), examples.item(pair.hit, f"pairs[{at}].hit")
                if query == hit:
                    raise FeedbackError(
                        f"pairs[{at}]: query and hit are both {shorten(pair.hit)!r}: a picture is "
                        "always the same as itself"
                    )
                judgements.append(Judgement(pair.attribute, query, hit, pair.same, key_id))
        with stage("embed"):
            pools = examples.pools(self._searcher)
        with stage("write"):
            found = self._store.feedback.put(judgements, pools, self._most)
        return recorded(found)


class _Gathered:
    """The two sides of pairs, found and loaded; each example once."""

    def __init__(self, store: CatalogStore, examples: Examples) -> None:
        self._store, self._examples = store, examples
        self._known: dict[str, str] = {}
        self._squares: dict[str, Square] = {}
        self._palettes: dict[str, list[Swatch]] = {}

    def item(self, key: str, where: str) -> Shown:
        """Return an item as it is now; raises UnknownKeyError."""
        item = self._store.item(key)
        if item is None:
            raise UnknownKeyError(f"{where}: no item has the key {shorten(key)!r}")
        return Shown(item.key, item.version, item.slot)

    def query(self, pair: Pair, at: int) -> Shown | Example:
        """Return what a pair was asked with."""
        query, where = pair.query, f"pairs[{at}].query"
        if isinstance(query, PaletteExample):
            text = palette_text(query.palette)
            digest = sha256(text.encode()).hexdigest()
            self._palettes[digest] = query.palette
            return Example(digest, text)
        if query.key is not None:
            shown = self.item(query.key, f"{where}.key")
            if query.is_whole_item:
                return shown
        name = query.model_dump_json()
        if name not in self._known:
            square = self._examples.load(query, where).square
            assert square is not None  # only whole items have none
            self._known[name] = self._examples.digest(query, where)
            self._squares[self._known[name]] = square
        return Example(self._known[name])

    def pools(self, searcher: Searcher) -> dict[str, bytes]:
        """Return the packed raw pools of all examples."""
        names, embedder = list(self._store.manifest.pools), searcher.embedder
        found = {
            digest: pack(embedder.color_pools(palette), names, 0)
            for digest, palette in self._palettes.items()
        }
        digests = [*self._squares]
        for at in range(0, len(digests), _BATCH):
            some = digests[at : at + _BATCH]
            raw = embedder.extract([self._squares[digest] for digest in some], names)
            found |= {digest: pack(raw, names, row) for row, digest in enumerate(some)}
        return found


def palette_text(palette: list[Swatch]) -> str:
    """Return a palette as JSON, the same for the same colors in the same shares."""
    total = sum(one.share for one in palette)
    colors = [[(one.hex or one.name or "").lower(), round(one.share / total, 6)] for one in palette]
    return json.dumps(sorted(colors))


def _check_colors(query: PaletteExample, attribute: str, where: str) -> None:
    check_palette(query.palette, attribute, where)
    for at, swatch in enumerate(query.palette):
        if swatch.any is not None:
            raise FeedbackError(f"{where}[{at}]: any stands for no color that could be judged")
