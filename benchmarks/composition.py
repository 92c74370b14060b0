"""How often a composed query finds what it asks for, on an index of the sample catalog.

`hueweave sample DIR`, `hueweave build DIR/labels.csv --index INDEX`, then
`python -m benchmarks.composition --index INDEX`.
"""

import argparse

import numpy as np

from indexer.records import Item
from service.answer import Hit
from service.opening import open_index
from service.query import Query
from service.search import Searcher
from service.settings import load_settings


def both(searcher: Searcher, pairs: list[tuple[Item, Item]]) -> float:
    """Return how often "color of A + texture of B" puts an item of that color and that texture
    first, over ``pairs`` (A, B)."""
    right = 0
    for a, b in pairs:
        (best, *_) = _ask(searcher, ("color", 1.0, a), ("texture", 1.0, b), limit=1)
        wanted = (a.metadata["color"], b.metadata["texture"])
        right += (best.metadata["color"], best.metadata["texture"]) == wanted
    return right / len(pairs)


def other_color(searcher: Searcher, items: list[Item]) -> tuple[float, float, float]:
    """Return the shares of the top 5 of "texture of A, not its color" that keep the texture, that
    change the color, and that do both."""
    kept = changed = done = 0
    for item in items:
        hits = _ask(searcher, ("texture", 1.0, item), ("color", -1.0, item), limit=5)
        same = [hit.metadata["texture"] == item.metadata["texture"] for hit in hits]
        other = [hit.metadata["color"] != item.metadata["color"] for hit in hits]
        kept, changed = kept + sum(same), changed + sum(other)
        done += sum(a and b for a, b in zip(same, other, strict=True))
    most = 5 * len(items)
    return kept / most, changed / most, done / most


def _ask(searcher: Searcher, *terms: tuple[str, float, Item], limit: int) -> list[Hit]:
    query = {
        "terms": [
            {"attribute": attribute, "weight": weight, "image": {"key": item.key}}
            for attribute, weight, item in terms
        ],
        "limit": limit,
    }
    return searcher.answer(Query.model_validate(query), {}).hits


def main() -> None:
    """Ask 200 random pairs and 200 random items."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.composition", description=__doc__)
    parser.add_argument("--index", required=True, help="an index of the sample catalog")
    given = parser.parse_args()
    opened = open_index(load_settings(index=given.index))
    items = list(opened.store.items())
    chosen = np.random.default_rng(0).choice(len(items), (200, 2))
    pairs = [(items[a], items[b]) for a, b in chosen.tolist()]
    share = both(opened.searcher, pairs)
    print(f"color of A + texture of B: both first for {share:.1%} of {len(pairs)} pairs")
    kept, changed, done = other_color(opened.searcher, [a for a, _ in pairs])
    print(
        f"texture of A, not its color: top 5 keep the texture {kept:.1%}, "
        f"change the color {changed:.1%}, both {done:.1%}"
    )
    opened.close()


if __name__ == "__main__":
    main()
