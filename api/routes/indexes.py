"""Several indexes by name, and the aliases that stand for them."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Loading
from api.problems import declare
from service.listing import IndexList, list_indexes
from service.names import NAME

router = APIRouter()

Alias = Annotated[str, Path(pattern=f"^{NAME}$", description="A name that is no index's own.")]


class Target(BaseModel):
    """What an alias is to stand for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    index: str = Field(pattern=f"^{NAME}$", description="The name of an index, not of an alias.")


class AliasView(BaseModel):
    """An alias and the index that it stands for."""

    alias: str
    index: str


@router.get("/indexes", summary="List indexes and aliases")
def get_indexes(loading: Loading) -> IndexList:
    """Return the indexes that are there now, loaded or not, and their aliases."""
    return list_indexes(loading.indexes)


@router.put(
    "/aliases/{alias}",
    summary="Let an alias stand for an index",
    responses=declare(400, 404, 408, 409, 413, 422),
)
async def put_alias(alias: Alias, target: Target, loading: Loading) -> AliasView:
    """Open an index, and then let an alias stand for it, at once and durably.

    Requests under way end on the index that they began on. If the index cannot be opened, the alias
    stays as it was.
    """
    await loading.change(lambda: loading.indexes.switch(alias, target.index))
    return AliasView(alias=alias, index=target.index)


@router.delete(
    "/aliases/{alias}", summary="Remove an alias", status_code=204, responses=declare(404, 409, 422)
)
async def delete_alias(alias: Alias, loading: Loading) -> None:
    """Remove an alias; the index that it stood for stays."""
    await loading.change(lambda: loading.indexes.remove(alias))
