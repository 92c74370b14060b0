"""The query schema, one for the shell, for REST and for later clients."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from indexer.filters import ALL, Filter
from service.errors import QueryError

Fraction = Annotated[float, Field(ge=0, le=1)]
# The schema's own ceilings; settings may ask for less.
MAX_LIMIT, MAX_TERMS, MAX_EXAMPLES = 1000, 64, 64
MAX_EXPAND = 50
_MAX_WEIGHT = 1e6


class _Strict(BaseModel):
    # Strict: `"limit": true` is a mistake, not a 1.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Region(_Strict):
    """A box in an example picture: left, top, right, bottom, after EXIF rotation."""

    unit: Literal["fraction", "pixel"] = "fraction"
    box: tuple[float, float, float, float]


class ImageSource(_Strict):
    """Where a picture comes from: exactly one of key, base64, part and url."""

    key: str | None = Field(None, description="Key of an item of the index.")
    base64: str | None = Field(None, description="The picture's bytes in base64.")
    part: str | None = Field(None, description="Name of a part of the multipart request.")
    url: str | None = Field(
        None, description="Address of the picture, if the server may ask that host."
    )

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
    mask: ImageSource | None = Field(
        None,
        description="Only where this picture is white counts. It has the size of the example.",
    )
    background: Literal["auto", "none"] | None = Field(
        None,
        description="auto, the default: what is near-white does not count; none: everything does.",
    )

    @model_validator(mode="after")
    def _mask_is_the_background(self) -> Self:
        if self.mask is not None and self.background is not None:
            raise ValueError(
                f"a mask says what counts, so background {self.background!r} cannot be given too"
            )
        return self

    @property
    def is_whole_item(self) -> bool:
        """Whether this is an item as it was indexed, so that its stored pools will do."""
        return self.key is not None and not self.is_edited

    @property
    def is_edited(self) -> bool:
        """Whether another part of the picture counts than would by itself."""
        return bool(self.region or self.mask or self.background == "none")


class Swatch(_Strict):
    """A color of a palette and its share; ``any`` is a share of no matter what."""

    hex: str | None = Field(None, examples=["#7a1f2b"])
    name: str | None = Field(None, description="A CSS color name.", examples=["navy"])
    weight: float | None = Field(None, gt=0, le=_MAX_WEIGHT, description="Its share; 1 if absent.")
    any: float | None = Field(None, gt=0, le=_MAX_WEIGHT)

    @model_validator(mode="after")
    def _one_color(self) -> Self:
        given = [n for n in ("hex", "name", "any") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a palette's entry needs exactly one of hex, name and any, "
                f"got {', '.join(given) or 'none'}"
            )
        if self.any is not None and self.weight is not None:
            raise ValueError("the share of any is its value: leave weight out")
        return self

    @property
    def share(self) -> float:
        """How much of it there is, to be seen beside the others'."""
        return self.any or self.weight or 1.0


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


# By a tag, so that an error speaks of the one that is meant.
OneOrMany = Annotated[
    Annotated[ImageExample, Tag("One")]
    | Annotated[list[ImageExample], Field(min_length=1, max_length=MAX_EXAMPLES), Tag("Many")],
    Discriminator(lambda given: "Many" if isinstance(given, list) else "One"),
]


class Term(_Strict):
    """One part of a query: in which attribute (or block), like what, how much."""

    attribute: str | None = Field(None, examples=["color"])
    block: int | None = Field(None, ge=1, le=5, description="A block of the backbone, 1 to 5.")
    weight: float = Field(
        1.0, ge=-_MAX_WEIGHT, le=_MAX_WEIGHT, description="How much it counts; below 0: away from."
    )
    image: OneOrMany | None = Field(
        None, description="A picture, or several whose vectors are averaged."
    )
    palette: Annotated[list[Swatch], Field(min_length=1, max_length=MAX_EXAMPLES)] | None = Field(
        None, description="Colors with their shares, for the attribute color."
    )

    expand: int = Field(
        0,
        ge=0,
        le=MAX_EXPAND,
        description="Move the query toward so many of the items that are most like it.",
    )

    @model_validator(mode="after")
    def _one_target_one_example(self) -> Self:
        if (self.attribute is None) == (self.block is None):
            raise ValueError("a term needs exactly one of attribute and block")
        if (self.image is None) == (self.palette is None):
            raise ValueError("a term needs exactly one of image and palette")
        return self

    @property
    def subject(self) -> Subject:
        """In what it compares."""
        return Subject(self.attribute, self.block)

    @property
    def images(self) -> list[ImageExample]:
        """Its example pictures; none if it has a palette."""
        if self.image is None:
            return []
        return [self.image] if isinstance(self.image, ImageExample) else self.image


class Query(_Strict):
    """What to look for. See docs/queries.md for examples."""

    terms: list[Term] = Field(
        default_factory=list,
        max_length=MAX_TERMS,
        description="What to look for; may be left out beside a cursor.",
    )
    filter: Filter = Field(ALL, description="Which items may be found. See docs/filters.md.")
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="How many hits at most.")
    cursor: str | None = Field(None, description="Of the answer that this one goes on from.")
    min_score: Fraction = 0.0
    collapse: Literal["picture"] | None = Field(
        None, description="picture: fold hits that are the same picture into the first of them."
    )
    explain: bool = Field(False, description="Say for each hit where its likeness lies.")

    @property
    def shows_pictures(self) -> bool:
        """Whether answering decodes pictures and runs them through the network."""
        return self.explain or any(
            not image.is_whole_item for term in self.terms for image in term.images
        )

    @model_validator(mode="after")
    def _terms_or_cursor(self) -> Self:
        if not self.terms and self.cursor is None:
            raise ValueError("terms is empty: a query needs at least one term, or a cursor")
        if self.terms and not any(term.weight > 0 for term in self.terms):
            shown = ", ".join(f"{term.weight:g}" for term in self.terms)
            raise ValueError(f"the terms' weights are {shown}: at least one must be above 0")
        return self
