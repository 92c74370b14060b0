"""The answer schema, one for the shell, for REST and for later clients."""

from pydantic import BaseModel

from service.explaining import Why


class TermScore(BaseModel):
    """How alike a hit is in one term.

    ``similarity`` is the space's own: cosine, or minus the Euclidean distance. ``score`` is the
    share of a fixed sample of the index that is less alike, in 0 to 1: it reads the same for
    every attribute.
    """

    attribute: str | None = None
    block: int | None = None
    similarity: float
    score: float


class Hit(BaseModel):
    """One item found.

    ``duplicates`` are keys folded into it; ``why`` says where its likeness lies, if asked for.
    """

    key: str
    score: float
    terms: list[TermScore]
    metadata: dict[str, str | int | float | bool | None]
    image_url: str | None = None
    thumbnail_url: str | None = None
    duplicates: list[str] | None = None
    why: Why | None = None


class Answer(BaseModel):
    """Hits, best first. ``exact`` says whether no better item can have been missed."""

    hits: list[Hit]
    next_cursor: str | None = None
    exact: bool
    generation: int | None
    took_ms: float
