"""`hueweave serve`: the REST service."""

import socket
from contextlib import suppress
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import note, watch_download
from service.errors import SettingsError

# A client that never finishes its request is cut off this long after the server was told to stop.
_LAST_WORDS_S = 10


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
    with _listen(settings.host, settings.port) as listener:
        # Opened here, so that a missing index is one line and not a server that dies in starting.
        with watch_download() as progress:
            opened = open_index(settings, progress)
        config = uvicorn.Config(
            create_app(settings, opened),
            log_level=settings.log_level,
            server_header=False,
            timeout_graceful_shutdown=_LAST_WORDS_S,
        )
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        note(f"listening on http://{host}:{listener.getsockname()[1]}")
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another --host or --port"
        ) from error
