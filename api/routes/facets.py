"""Facets: what values and colors the items have."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Index, Work
from api.problems import declare
from indexer.filters import ALL, parse_filter
from service.facets import DEFAULT_VALUES, MAX_VALUES, Facets, count_facets

router = APIRouter()


@router.get("/facets", summary="Count values and colors", responses=declare(422))
async def get_facets(
    index: Index,
    work: Work,
    filter: Annotated[
        str | None, Query(description="Count only what this filter lets pass, as JSON.")
    ] = None,
    column: Annotated[
        list[str] | None,
        Query(description="A metadata column; may be repeated. Without: those kept in memory."),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=MAX_VALUES, description="Most values of each column.")
    ] = DEFAULT_VALUES,
) -> Facets:
    """Return how many items have each value of metadata columns, and show each basic color."""
    chosen = parse_filter(filter) if filter else ALL
    limits = index.searcher.query_limits.filter
    return await work.run(lambda: count_facets(index.store, chosen, column, limit, limits))
