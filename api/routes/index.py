"""What the index is, and what can be searched by."""

from pathlib import Path

from fastapi import APIRouter

from api.dependencies import Index
from api.schemas import Attributes, AttributeView
from service.info import IndexInfo, describe

router = APIRouter(prefix="/v1", tags=["index"])


@router.get("/index", summary="What the index is made of")
def get_index(index: Index) -> IndexInfo:
    """Return what the index is made of and how much it holds."""
    found = describe(index.store)
    # Of a weights file only the name: where things lie on the server is nobody's business.
    return found.model_copy(update={"weights": Path(found.weights).name})


@router.get("/attributes", summary="What can be searched by")
def get_attributes(index: Index) -> Attributes:
    """Return the attributes and blocks that queries may name."""
    manifest = index.store.manifest
    views = []
    for name in manifest.attributes:
        space = manifest.space_of_attribute(name)
        blocks = [pool.block for pool in space.pools]
        views.append(AttributeView(name=name, space=space.name, blocks=blocks, metric=space.metric))
    return Attributes(attributes=views, blocks=list(manifest.blocks))
