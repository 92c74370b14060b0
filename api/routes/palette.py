"""The dominant colors of a picture that is sent."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile

from api.dependencies import Index, Work
from api.forms import check_fields
from api.problems import declare
from service.palette import DEFAULT_COLORS, MAX_COLORS, Palette, extract_palette

router = APIRouter()


@router.post(
    "/palette", summary="The dominant colors of a picture", responses=declare(400, 408, 413, 422)
)
async def palette(
    request: Request,
    index: Index,
    work: Work,
    image: Annotated[UploadFile, File(description="The picture.")],
    colors: Annotated[int, Form(ge=1, le=MAX_COLORS, description="Most colors.")] = DEFAULT_COLORS,
) -> Palette:
    """Return the dominant colors of a picture's foreground, the largest share first, found as for
    the items of the index."""
    check_fields(await request.form(), ("image", "colors"))
    data, preprocess = await image.read(), index.store.manifest.recipe.preprocess
    return await work.run(lambda: extract_palette(data, index.limits, preprocess, colors))
