"""What routes need from the app: the opened index, the settings, and threads to work in."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Path, Request

from api.loading import Loader
from api.urls import Addresses
from api.working import RequestWork, looks_up, reads, streams, works
from service.opening import Opened
from service.settings import Settings

# All of them are coroutines, though none waits: FastAPI would call a plain function in a thread of
# its own, and there is one for each of them.


async def named(
    name: Annotated[str, Path(description="The name of an index, or of an alias.")],
) -> None:
    """Declare the name in the path of an index that is not the default one."""


async def _opened(request: Request) -> AsyncIterator[Opened]:
    """Lend the index that the path names; none: the default one."""
    loader: Loader = request.app.state.loader
    async with loader.lent(request.path_params.get("name")) as held:
        yield held.opened


async def _loader(request: Request) -> Loader:
    loader: Loader = request.app.state.loader
    return loader


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _addresses(request: Request) -> Addresses:
    name = request.path_params.get("name")
    prefix = "/v1" if name is None else f"/v1/indexes/{name}"
    return Addresses(prefix, getattr(request.state, "signer", None))


Index = Annotated[Opened, Depends(_opened)]
Config = Annotated[Settings, Depends(_settings)]
Loading = Annotated[Loader, Depends(_loader)]
Work = Annotated[RequestWork, Depends(works)]
Lookups = Annotated[RequestWork, Depends(looks_up)]
Reads = Annotated[RequestWork, Depends(reads)]
STREAMED = Depends(streams)
"""For the dependencies of a route that takes its body piece by piece."""
Links = Annotated[Addresses, Depends(_addresses)]
