"""Several indexes by name, and the aliases that stand for them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Loading
from api.problems import declare
from service.building import made_with
from service.listing import IndexList, list_indexes
from service.names import NAME
from service.new_index import NewIndex, NewIndexView

router = APIRouter()

Name = Annotated[str, Path(pattern=f"^{NAME}$", description="The name of an index, not an alias.")]
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
    "/indexes/{name}",
    summary="Make an empty index",
    responses={
        200: {"description": "It was there, made like this"},
        201: {"model": NewIndexView, "description": "It is new"},
        **declare(400, 403, 408, 409, 413, 422, 429, 507),
    },
)
async def put_index(
    name: Name, loading: Loading, response: Response, wanted: NewIndex | None = None
) -> NewIndexView:
    """Make an empty index, to be filled one by one or in bulk, and open it.

    What is left out is as the server's settings say. If there is one of that name, nothing is
    changed; if it was made otherwise, that is a 409.
    """
    made = await loading.change(lambda: loading.indexes.make(name, wanted or NewIndex()))
    if made.new:
        response.status_code = 201
        response.headers["Location"] = f"/v1/indexes/{name}/index"
    return NewIndexView(name=name, **made_with(made.manifest))


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
