"""The query and answer schema, one for the shell, for REST and for later clients."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.errors import QueryError

Fraction = Annotated[float, Field(ge=0, le=1)]
MAX_LIMIT, MAX_TERMS, MAX_EXAMPLES = 1000, 16, 64


class _Strict(BaseModel):
    # Strict: `"limit": true` is a mistake, not a 1.
    model_config = ConfigDict(extra="forbid", strict=True)


class Region(_Strict):
    """A box in an example picture: left, top, right, bottom, after EXIF rotation."""

    unit: Literal["fraction", "pixel"] = "fraction"
    box: tuple[float, float, float, float]


class ImageSource(_Strict):
    """Where a picture comes from: exactly one of key, base64, part and url."""

    key: str | None = Field(None, description="Key of an item of the index.")
    base64: str | None = Field(None, description="The picture's bytes in base64.")
    part: str | None = Field(None, description="Name of a part of the multipart request.")
    url: str | None = Field(None, description="An address to fetch the picture from.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [n for n in ("key", "base64", "part", "url") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                f"an image needs exactly one of key, base64, part and url, "
                f"got {', '.join(given) or 'none'}"
            )
        return self


class ImageExample(ImageSource):
    """An example picture, or a part of one."""

    region: Region | None = Field(None, description="Only this box of the picture counts.")
    mask: ImageSource | None = Field(None, description="Only where this picture is white counts.")


class Swatch(_Strict):
    """A color of a palette and its share; ``any`` is a share of no matter what."""

    hex: str | None = None
    name: str | None = None
    weight: float | None = None
    any: float | None = None


@dataclass(frozen=True)
class Subject:
    """In what a picture is compared: an attribute or a block; exactly one is not None."""

    attribute: str | None = None
    block: int | None = None

    def __str__(self) -> str:
        return self.attribute or f"block {self.block}"


def check_limit(limit: int, max_limit: int) -> None:
    """Raise QueryError unless ``limit`` lies in 1 to ``max_limit``."""
    if not 1 <= limit <= max_limit:
        raise QueryError(f"limit is {limit}: expected 1 to {max_limit}")


class Term(_Strict):
    """One part of a query: in which attribute (or block), like what, how much."""

    attribute: str | None = Field(None, examples=["color"])
    block: int | None = Field(None, ge=1, le=5, description="A block of the backbone, 1 to 5.")
    weight: float = 1.0
    image: ImageExample | Annotated[list[ImageExample], Field(max_length=MAX_EXAMPLES)] | None = (
        None
    )
    palette: list[Swatch] | None = Field(None, max_length=MAX_EXAMPLES)

    @model_validator(mode="after")
    def _one_target_one_example(self) -> Self:
        if (self.attribute is None) == (self.block is None):
            raise ValueError("a term needs exactly one of attribute and block")
        if (self.image is None) == (self.palette is None):
            raise ValueError("a term needs exactly one of image and palette")
        return self


class Query(_Strict):
    """What to look for. See docs/api.md for examples."""

    terms: list[Term] = Field(min_length=1, max_length=MAX_TERMS)
    filter: dict[str, Any] = Field(default_factory=dict)
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="How many hits at most.")
    cursor: str | None = None
    min_score: Fraction = 0.0
    collapse: str | None = None
    explain: bool = False


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
    """One item found."""

    key: str
    score: float
    terms: list[TermScore]
    metadata: dict[str, str | int | float | bool | None]
    image_url: str | None = None
    thumbnail_url: str | None = None


class Answer(BaseModel):
    """Hits, best first. ``exact`` says whether no better item can have been missed."""

    hits: list[Hit]
    next_cursor: str | None = None
    exact: bool
    generation: int | None
    took_ms: float
