"""Terms to vectors: stored pools, pictures through the network, colors rendered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from indexer.branches import unit
from indexer.spaces import Space
from indexer.store import CatalogStore
from models.colors import RGB
from models.extraction import Extractor, PoolName, RawPools, Vectors
from models.preprocess import Square, near_content
from service.batching import Alone, Runs
from service.examples import Example
from service.palettes import Mixed, colors_of, embed_color, mix_palette
from service.query import Swatch, Term

_BATCH = 32
_COLORS = 512
Wanted = tuple[Space, Term, tuple[Example, ...]]


@dataclass(frozen=True)
class Embedded:
    """A term's raw pools: one row an example, averaged as vectors; or a palette's, mixed."""

    examples: tuple[Example, ...]
    raw: tuple[RawPools, ...]
    palette: Mixed | None = None

    def vectors(self, space: Space) -> Vectors:
        """Return the (n, d) vectors of the examples, in the means that ``space`` has now."""
        if self.palette is not None:
            return space.transform(self.palette.pools(space))
        return np.concatenate([space.transform(one) for one in self.raw])

    def vector(self, space: Space) -> Vectors:
        """Return the (d,) vector to search with: the examples' mean, of unit length for cosine."""
        mean = self.vectors(space).mean(axis=0, keepdims=True)
        found: Vectors = (unit(mean) if space.metric == "cosine" else mean)[0].astype(np.float32)
        return found


class Embedder:
    """Runs pictures through the network, no deeper than their terms' spaces need."""

    def __init__(self, store: CatalogStore, extractor: Extractor, runs: Runs | None = None) -> None:
        """``runs`` is what runs pictures in its stead."""
        alone = Alone(extractor)  # a palette does not wait for others' pictures
        self._store = store
        self._run = runs or alone

        # A palette is picked color by color, and the same ones again and again. No bound method: an
        # index that is closed must not wait for the garbage collector with all its segments.
        @lru_cache(_COLORS)
        def color(color: RGB, pools: tuple[PoolName, ...], size: int) -> RawPools:
            return embed_color(color, pools, alone, size)

        self._color = color

    def embed(self, queries: Sequence[Sequence[Wanted]]) -> Iterator[list[Embedded]]:
        """Yield each query's terms embedded; pictures of all queries share batches."""
        extracted = self._extract(queries)
        for query in queries:
            yield [self._embedded(*wanted, extracted) for wanted in query]

    def color_pools(self, palette: Sequence[Swatch]) -> RawPools:
        """Return every stored pool of a palette without any, (1, channels) each."""
        names = tuple(self._store.manifest.pools)
        size = self._store.manifest.recipe.preprocess.size
        return mix_palette(palette, [self._color(one, names, size) for one in colors_of(palette)]
                           ).plain()  # fmt: skip

    def _embedded(
        self,
        space: Space,
        term: Term,
        examples: tuple[Example, ...],
        extracted: dict[int, RawPools],
    ) -> Embedded:
        if term.palette is not None:
            size = self._store.manifest.recipe.preprocess.size
            colors = [self._color(color, space.pools, size) for color in colors_of(term.palette)]
            return Embedded(examples, (), mix_palette(term.palette, colors))
        raw_pools = []
        for one in examples:
            if one.item is not None:
                raw_pools.append(self._store.pools(np.array([one.item.slot]), space.pools))
            else:
                raw_pools.append({name: extracted[id(one)][name] for name in space.pools})
        return Embedded(examples, tuple(raw_pools))

    def _extract(self, queries: Sequence[Sequence[Wanted]]) -> dict[int, RawPools]:
        """Return the pools of every square, (1, channels) each, by the example's identity."""
        squares: dict[int, Square] = {}
        wanted: dict[int, dict[PoolName, None]] = defaultdict(dict)
        for space, _, examples in (term for query in queries for term in query):
            for one in examples:
                if one.square is not None:
                    squares[id(one)] = one.square
                    wanted[id(one)] |= dict.fromkeys(space.pools)
        groups: dict[frozenset[PoolName], list[int]] = defaultdict(list)
        for name, pools in wanted.items():
            groups[frozenset(pools)].append(name)
        found: dict[int, RawPools] = {}
        for group, names in groups.items():
            for at in range(0, len(names), _BATCH):
                some = names[at : at + _BATCH]
                raw = self.extract([squares[name] for name in some], sorted(group))
                for row, name in enumerate(some):
                    found[name] = {pool: rows[row : row + 1] for pool, rows in raw.items()}
        return found

    def extract(self, squares: Sequence[Square], pools: Sequence[PoolName]) -> RawPools:
        """Return the raw pools of several squares, (n, channels) each."""
        pixels = np.stack([square.pixels for square in squares])
        if all(square.content is None for square in squares):
            return self._run.extract(pixels, pools)
        white = self._store.manifest.recipe.preprocess.white
        content = [
            near_content(one.pixels, white) if one.content is None else one.content
            for one in squares
        ]
        return self._run.extract(pixels, pools, np.stack(content))
