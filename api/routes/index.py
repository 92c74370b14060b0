"""What the index is, and what can be searched by."""

from pathlib import Path

from fastapi import APIRouter, Request

from api.dependencies import Index, Loading, Reads
from api.schemas import Attributes, AttributeView, Reloaded
from service.info import IndexInfo, describe
from service.listing import generation_of

router = APIRouter()


@router.get("/index", summary="What the index is made of")
async def get_index(index: Index, read: Reads) -> IndexInfo:
    """Return what the index is made of and how much it holds."""
    found = await read.run(lambda: describe(index.store))
    # Of a weights file only the name: where things lie on the server is nobody's business.
    return found.model_copy(update={"weights": Path(found.weights).name})


@router.get("/attributes", summary="What can be searched by")
async def get_attributes(index: Index) -> Attributes:
    """Return the attributes and blocks that queries may name."""
    manifest = index.store.manifest
    views = []
    for name in manifest.attributes:
        space = manifest.space_of_attribute(name)
        blocks = [pool.block for pool in space.pools]
        views.append(AttributeView(name=name, space=space.name, blocks=blocks, metric=space.metric))
    return Attributes(attributes=views, blocks=list(manifest.blocks))


@router.post("/index/reload", summary="Look for what is new")
async def reload(request: Request, loading: Loading, read: Reads) -> Reloaded:
    """Take in what other processes wrote to the index, and aliases that they switched, now
    rather than within a second."""
    await loading.change(loading.indexes.look)
    async with loading.lent(request.path_params.get("name")) as held:
        store = held.opened.store

        def renew() -> Reloaded:
            store.view(newest=True)
            return Reloaded(name=held.name, items=store.count(), generation=generation_of(store))

        return await read.run(renew)
