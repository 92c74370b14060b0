"""The server around the app: what it waits for, and how it stops."""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.logs import configuration
from api.middleware.stopping import Traffic
from api.protocol import PatientProtocol
from api.readiness import Readiness
from service.settings import Settings

# A client that never finishes its request is cut off this long after the server was told to stop.
LAST_WORDS_S = 10


class Server(uvicorn.Server):
    """Uvicorn's server, which first says that it is not ready any more and ends what is under way.

    Until then it goes on listening: whoever asks whether it is ready is to hear that it is not,
    rather than nothing. Stopped by a signal it ends with 0, as it does what it was told.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness, traffic: Traffic) -> None:
        super().__init__(config)
        self._readiness, self._traffic = readiness, traffic

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second Ctrl-C stops without waiting for anyone."""
        self._readiness.stopping = True
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is under way, then close."""
        self._readiness.stopping = True
        loop = asyncio.get_running_loop()
        end = loop.time() + LAST_WORDS_S
        while self._traffic.under_way and not self.force_exit and loop.time() < end:
            await asyncio.sleep(0.05)
        self.config.timeout_graceful_shutdown = max(1, round(end - loop.time()))
        await super().shutdown(sockets)


def make_server(app: FastAPI, settings: Settings, *, configure_logging: bool = True) -> Server:
    """Return a server of ``app``; unless told not to, this process now logs as settings say."""
    logs = configuration(settings.log_format, settings.log_level) if configure_logging else None
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        access_log=False,
        log_config=logs,
        server_header=False,
    )
    return Server(config, app.state.readiness, app.state.traffic)
