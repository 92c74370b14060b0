"""Requests that a browser sends for a page of another site: only those listed may change things.

A page may make a browser POST to a service on loopback or behind a firewall without asking first.
Browsers say so themselves, in Sec-Fetch-Site where they can, else in Origin; other clients send
neither and are not meant.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem_response
from api.security.paths import header_values, route_path
from models.errors import shorten

ANY = "*"
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class OriginCheck:
    """Refuses what is not a mere reading and comes from a site that is not one of ``origins``."""

    app: ASGIApp
    origins: Collection[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE or self._is_allowed(scope):
            await self.app(scope, receive, send)
            return
        origin = ", ".join(header_values(scope, b"origin")) or "another site"
        detail = (
            f"the request comes from a page of {shorten(origin)}: whoever runs this server can add "
            "it to the setting 'cors_origins'"
        )
        await problem_response(403, detail, route_path(scope))(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        sites = header_values(scope, b"sec-fetch-site")
        origins = header_values(scope, b"origin")
        if ANY in self.origins or (len(origins) == 1 and origins[0] in self.origins):
            return True
        if sites:
            return all(site in ("same-origin", "none") for site in sites)
        hosts = header_values(scope, b"host")
        return not origins or [_host(origin) for origin in origins] == hosts


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None
