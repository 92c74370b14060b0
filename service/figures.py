"""Figures of indexes that are open, for whoever watches a server."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import HueweaveError
from service.listing import generation_of
from service.opening import Opened


@dataclass(frozen=True)
class Figures:
    """What an index holds; generation 0 is before the first."""

    items: int
    generation: int
    judgements: int = 0


def figures_of(opened: Mapping[str, Opened]) -> dict[str, Figures]:
    """Return the figures of indexes by name; those that cannot tell are left out."""
    found = {}
    for name, one in opened.items():
        try:
            store = one.store
            judgements = store.feedback.count()
            found[name] = Figures(store.count(), generation_of(store) or 0, judgements)
        except (HueweaveError, OSError):  # closed this moment, or damaged, which others report
            continue
    return found
