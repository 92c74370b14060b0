"""HTTP/1.1 connections that do not stay open for clients who never finish."""

import asyncio
import socket
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from api.problems import MEDIA_TYPE, problem_response

# How long a connection may take to its next whole head, and to accept more of an answer.
HEAD_S = 10.0
# Past so many connections requests are refused, past twice as many connections are.
CONNECTIONS = 512


class PatientProtocol(H11Protocol):
    """Uvicorn's protocol with ends to its patience, and its refusals as problem documents.

    Uvicorn closes a connection that idles between two requests, and only as long as not a single
    byte comes: neither one that never sends a whole head, nor one that does not read its answer.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._ends: asyncio.TimerHandle | None = None
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; the first head has to come in time."""
        super().connection_made(transport)
        _send_at_once(transport)
        if len(self.connections) > 2 * CONNECTIONS:
            transport.abort()
        elif len(self.connections) > CONNECTIONS:
            self.app_state = {**self.app_state, "crowded": True}
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self._ends is not None:
            self._ends.cancel()

    def on_response_complete(self) -> None:
        """Go on with the next request, whose head has to come in time."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait until the client has read more of its answer."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request, and close."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # an answer is half sent already
            return
        body = bytes(problem_response(400, f"{msg.rstrip('.')}: it is not HTTP/1.1").body)
        headers = [
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        answer = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        """Look in a while what has become of the connection as it is now."""
        if self._ends is not None:
            self._ends.cancel()
        self._unsent = self.transport.get_write_buffer_size()
        self._ends = self.loop.call_later(HEAD_S, self._look)

    def _look(self) -> None:
        """Close the connection if it only waits for a head, or for a client that does not read."""
        unsent = self.transport.get_write_buffer_size()
        waiting = self.cycle is None or self.cycle.response_complete
        # Who is still sending, as in a bulk request, may read later.
        sending = self.cycle is not None and self.cycle.more_body
        # Nothing was written since it was looked: so much is left of what was there then.
        quiet = waiting or (self.flow.write_paused and not sending)
        if quiet and 0 < self._unsent <= unsent:
            self.transport.abort()
        elif waiting and not unsent:
            self.transport.close()
        else:
            self._watch()


def _send_at_once(transport: asyncio.Transport) -> None:
    """Turn off Nagle's algorithm: an answer's body would wait for its head's acknowledgment.

    asyncio does so only for sockets that were made with TCP's own number, not with its default.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
