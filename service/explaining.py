"""Why a hit was found: where in its picture, and in the query's, their likeness lies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, Field

from indexer.attribution import (
    Contributions,
    attribution,
    attributions,
    mean_query,
    pooled,
)
from indexer.spaces import Space, similarities
from models.extraction import Extractor, LocalPool, LocalPools, Vectors
from models.preprocess import Mask, Square, near_content
from service.heat import Ground, HeatMap, Size, heat_map
from service.query import Subject

# Maps are large: so many pictures go through the network at once.
_TOGETHER = 8


class TermWhy(BaseModel):
    """Why a hit is alike in one term.

    ``similarity`` is the space's own, of the pictures as they are read now. The heat of the hit
    sums to it, and so does that of all the query's pictures together, or of its colors. A query
    whose pictures are not at hand has no heat of its own.
    """

    attribute: str | None = None
    block: int | None = None
    similarity: float
    hit: HeatMap
    query: list[HeatMap] = Field(description="One for each example of the term, in order.")
    swatches: list[float] | None = Field(
        None,
        description="What each color of the term's palette contributes, in order; any comes last.",
    )


class Why(BaseModel):
    """Why a hit was found, term by term."""

    terms: list[TermWhy]


@dataclass(frozen=True)
class Explained:
    """A picture to be explained: its square, and width and height of the whole upright picture."""

    square: Square
    size: Size


@dataclass(frozen=True)
class Seen:
    """A picture after the network: ``local`` holds its maps, ``vector`` is (1, d) as searched."""

    ground: Ground
    local: LocalPools
    vector: Vectors


def look(
    pictures: Sequence[Explained], space: Space, extractor: Extractor, white: int
) -> list[Seen]:
    """Return ``pictures`` as ``space`` sees them; ``white`` is what counts as near-white.

    One is some megabytes: what is seen of an example can be kept for all hits of a term.
    """
    seen = []
    for at in range(0, len(pictures), _TOGETHER):
        run = pictures[at : at + _TOGETHER]
        pixels = np.stack([picture.square.pixels for picture in run])
        content = np.stack([_content(picture.square, white) for picture in run])
        local = extractor.local(pixels, space.pools, content)
        for row, picture in enumerate(run):
            ground = Ground(content[row], picture.square.extent, picture.size)
            own = {
                pool: LocalPool(part.values[row : row + 1], part.weights[row : row + 1])
                for pool, part in local.items()
            }
            seen.append(Seen(ground, own, space.transform(pooled(own))))
    return seen


def explain_term(
    subject: Subject,
    space: Space,
    hit: Explained,
    examples: Sequence[Explained],
    extractor: Extractor,
    white: int,
) -> TermWhy:
    """Return why ``hit`` is like the mean of ``examples`` in ``space``."""
    first, *others = look([hit, *examples], space, extractor, white)
    return explain_examples(subject, space, first, others)


def explain_examples(
    subject: Subject, space: Space, hit: Seen, examples: Sequence[Seen]
) -> TermWhy:
    """Return why ``hit`` is like the mean of ``examples``, all of them as ``space`` sees them."""
    query = mean_query(space, np.concatenate([one.vector for one in examples]))
    maps = attributions(space, [one.local for one in examples], hit.vector[0])
    heats = [
        heat_map(parts, one.ground, _shown(space, one, hit.vector[0]))
        for parts, one in zip(maps, examples, strict=True)
    ]
    return explain_vector(subject, space, hit, query).model_copy(update={"query": heats})


def explain_palette(subject: Subject, space: Space, hit: Seen, palette: LocalPools) -> TermWhy:
    """Return why ``hit`` is like ``palette``, a mixture of the raw pools of its colors."""
    query = space.transform(pooled(palette))[0]
    shares = np.sum(attribution(space, palette, hit.vector[0]), axis=0)
    whole = explain_vector(subject, space, hit, query)
    return whole.model_copy(update={"swatches": shares.ravel().tolist()})


def explain_vector(subject: Subject, space: Space, hit: Seen, query: Vectors) -> TermWhy:
    """Return why ``hit`` is like ``query``, (d,), whose own pictures are not at hand."""
    return TermWhy(
        attribute=subject.attribute,
        block=subject.block,
        similarity=float(similarities(query[None], hit.vector, space.metric)[0, 0]),
        hit=heat_map(attribution(space, hit.local, query), hit.ground, _shown(space, hit, query)),
        query=[],
    )


def _content(square: Square, white: int) -> Mask:
    return near_content(square.pixels, white) if square.content is None else square.content


def _shown(space: Space, seen: Seen, target: Vectors) -> list[Contributions] | None:
    """Return what to draw in place of contributions to minus a distance, none of which stands
    out: inner products, which are what a distance falls by."""
    if space.metric == "cosine":
        return None
    return attribution(replace(space, metric="cosine"), seen.local, target)
