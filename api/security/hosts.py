"""The Host header, checked: a page elsewhere cannot reach the service under its own name.

In DNS rebinding an attacker's name is made to resolve to the server's address, so that a browser
takes the server for the attacker's site. Such a request names the attacker's host, never an
address, and never a name that is the server's own.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem_response
from api.security.paths import header_values, route_path
from models.errors import shorten

ANY = "*"
_HOST = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class HostCheck:
    """Refuses a request whose Host is neither an address nor one of ``names``, in lower case."""

    app: ASGIApp
    names: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or ANY in self.names:
            await self.app(scope, receive, send)
            return
        given = header_values(scope, b"host")
        host = host_of(given[0]) if len(given) == 1 else None
        if host is not None and (host in self.names or is_address(host)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif host is None:
            detail = "the request needs one header Host, with the server's name or address"
            await problem_response(400, detail, route_path(scope))(scope, receive, send)
        else:
            detail = (
                f"this server is not known as {shorten(host)!r}: whoever runs it can add that "
                "name to the setting 'hosts'"
            )
            await problem_response(421, detail, route_path(scope))(scope, receive, send)


def known_names(bound: str, hosts: Iterable[str]) -> frozenset[str]:
    """Return the names that a server bound to the host ``bound`` is known by."""
    own = ("localhost", socket.gethostname(), bound)
    return frozenset(name.lower().rstrip(".") for name in (*own, *hosts) if name)


def host_of(value: str) -> str | None:
    """Return the host in a Host header, in lower case and without port, or None if it is wrong."""
    found = _HOST.fullmatch(value)
    if found is None:
        return None
    if found["v6"] is not None:
        return found["v6"].lower() if is_address(found["v6"]) else None
    return found["name"].lower().rstrip(".")


def is_address(host: str) -> bool:
    """Return whether ``host`` is an IP address, as browsers write it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
