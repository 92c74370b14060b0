"""`hueweave serve`: the REST service."""

import logging
import socket
from typing import Annotated

import typer

from service.commands import options as o
from service.commands.console import note, watch_download
from service.errors import SettingsError

log = logging.getLogger(__name__)


def serve(
    context: typer.Context,
    index: o.Index = None,
    root: o.Root = None,
    read_only: Annotated[
        bool | None, typer.Option("--read-only", help="Never write to an index.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one.")] = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    device: o.Device = None,
    precision: o.Precision = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
    max_limit: Annotated[int | None, typer.Option(help="Most hits of one answer.")] = None,
    keys: Annotated[str | None, typer.Option(help="File of API keys.", metavar="FILE")] = None,
    anonymous: Annotated[
        bool | None,
        typer.Option("--anonymous", help="Let anyone in who reaches the server, without keys."),
    ] = None,
    hosts: Annotated[
        str | None, typer.Option(help="More names the server is reached by.", metavar="LIST")
    ] = None,
    cors_origins: Annotated[
        str | None, typer.Option(help="Origins whose pages may use the server.", metavar="LIST")
    ] = None,
    max_concurrent: Annotated[
        int | None, typer.Option(help="Queries worked on at once; default: cores.")
    ] = None,
    max_queue: Annotated[
        int | None, typer.Option(help="Most queries that wait for a thread.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Answer queries on an index, or a folder of them, over REST; the API is described at /docs."""
    from api.app import create_app
    from api.security.reach import check_reach
    from api.server import make_server
    from service.indexes import indexes_of

    settings = o.settings_of(context)
    with _listen(settings.host, settings.port) as listener:
        check_reach(listener, settings)
        # Looked at here, so that a missing index is one line and not a server that dies in
        # starting; loaded once the server runs.
        served = indexes_of(settings, watch_download)
        failures: list[BaseException] = []

        def fail(error: BaseException) -> None:
            failures.append(error)
            server.should_exit = True

        server = make_server(create_app(settings, indexes=served, on_failure=fail), settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        # A line of the log where programs read it, else one for whoever started it.
        say = log.info if settings.log_format == "json" else note
        say(f"listening on http://{host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
    if failures:
        raise failures[0]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another --host or --port"
        ) from error
