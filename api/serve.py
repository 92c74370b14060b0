"""`hueweave serve`: the REST service."""

from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import DownloadProgress


def serve(
    context: typer.Context,
    index: o.Index = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one.")] = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    device: o.Device = None,
    precision: o.Precision = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
    max_limit: Annotated[int | None, typer.Option(help="Most hits of one answer.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Answer queries on an index over REST; the API is described at /docs."""
    import uvicorn

    from api.app import create_app
    from service.opening import open_index

    settings = o.settings_of(context)
    # Opened here, so that a missing index is one line and not a server that dies while starting.
    opened = open_index(settings, DownloadProgress())
    app = create_app(settings, opened)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        server_header=False,
    )
