"""Facets: how many items there are of each value and of each basic color, among those a filter
lets pass."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from indexer.columns import Facet
from indexer.filters import Filter, FilterLimits, check_filter
from indexer.store import CatalogStore
from models.colors import COLOR_NAMES, ColorName
from models.errors import UnknownNameError

DEFAULT_VALUES, MAX_VALUES = 100, 1000
# What each name looks like at its clearest.
SWATCHES: dict[ColorName, str] = {
    "black": "#000000",
    "white": "#ffffff",
    "grey": "#808080",
    "red": "#d62020",
    "orange": "#f28c28",
    "yellow": "#f7d038",
    "green": "#2e9e44",
    "blue": "#2563c9",
    "purple": "#7b3fa0",
    "pink": "#f29ac2",
    "brown": "#7a4a26",
    "beige": "#e3d3b4",
}


class FacetValue(BaseModel):
    """One value of a column, and how many items have it."""

    value: str | int | float | bool
    count: int


class ColumnFacet(BaseModel):
    """The values of a metadata column."""

    column: str
    type: str = Field(description="text, integer, number or boolean.")
    values: list[FacetValue] = Field(description="Most frequent first, equally frequent by value.")
    others: int = Field(description="How many items have a value that is not listed.")
    missing: int = Field(description="How many items have none.")
    min: int | float | None = Field(description="Least value of an integer or number column.")
    max: int | float | None = Field(description="Greatest value of an integer or number column.")


class ColorCount(BaseModel):
    """How many items show a basic color; an item counts for each that it shows."""

    name: ColorName
    hex: str = Field(description="What the name looks like, to draw it.")
    count: int


class Facets(BaseModel):
    """What the items are that a filter lets pass."""

    count: int = Field(description="How many items there are.")
    colors: list[ColorCount] = Field(
        description="Most frequent first; those shown by none are out."
    )
    columns: list[ColumnFacet]


def count_facets(
    store: CatalogStore,
    filter: Filter,
    columns: Sequence[str] | None = None,
    limit: int = DEFAULT_VALUES,
    limits: FilterLimits | None = None,
) -> Facets:
    """Return up to ``limit`` values of each of ``columns`` among the items ``filter`` lets pass.

    Without ``columns``, of all that are kept in memory. Raises UnknownNameError or FilterError.
    """
    declared = store.columns()
    if columns is None:
        columns = [name for name, (_, indexed) in declared.items() if indexed]
    for name in columns:
        if name not in declared:
            raise UnknownNameError("metadata column", name, declared)
    check_filter(filter, {name: kind for name, (kind, _) in declared.items()}, limits)
    view = store.view().within(filter)
    shown = view.color_counts()
    return Facets(
        count=view.count,
        colors=[
            ColorCount(name=name, hex=SWATCHES[name], count=shown[name])
            for name in sorted(COLOR_NAMES, key=lambda name: -shown[name])
            if shown[name]
        ],
        columns=[_column(view.facet(name, limit)) for name in dict.fromkeys(columns)],
    )


def _column(facet: Facet) -> ColumnFacet:
    return ColumnFacet(
        column=facet.column,
        type=facet.type,
        values=[FacetValue(value=value, count=count) for value, count in facet.values],
        others=facet.others,
        missing=facet.missing,
        min=facet.min,
        max=facet.max,
    )
