"""What is known of the request under way: its id, and what becomes of it."""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Receive, Scope

HEADER = b"x-request-id"
UNMATCHED = "none"
"""Stands for the route of a request that no route answered."""

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines, also while the server stops; what they are told as a matter
of course, that it is ready or not, is no news for the log."""

_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


@dataclass
class Trace:
    """One request, from its first middleware to its answer."""

    id: str
    receive: Receive
    route: str = UNMATCHED
    status: int | None = None


def read_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a request brings, if it is fit for a log, else a new one."""
    for name, value in headers:
        if name == HEADER and _SANE.fullmatch(value):
            return value.decode("ascii")
    return secrets.token_hex(8)


def trace_of(scope: Scope) -> Trace:
    """Return the trace of the request that ``scope`` is of."""
    trace: Trace = scope["state"]["trace"]
    return trace


def route_template(scope: Scope) -> str:
    """Return the path of the route that was found, with names for what varies; or UNMATCHED."""
    # Newer releases of FastAPI keep the whole path, with the router's prefix, beside the route.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    found: str = getattr(whole or scope.get("route"), "path_format", UNMATCHED)
    return found
