"""Headers that every answer carries, whatever made it."""

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.security.paths import route_path
from api.security.signing import is_signable

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RESOURCE_POLICY = "Cross-Origin-Resource-Policy"


@dataclass(frozen=True)
class SecurityHeaders:
    """Adds headers to every answer; one that a route has set stays.

    Pages of other sites may show pictures only if ``shared``. What says nothing about caching is
    not kept: answers hold signed addresses, and are soon out of date.
    """

    app: ASGIApp
    shared: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = route_path(scope)
        more = {_RESOURCE_POLICY: _resource_policy(self.shared and is_signable(path))}
        if path.startswith("/v1/"):
            more["Cache-Control"] = "no-store"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**SECURITY_HEADERS, **more}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _resource_policy(shared: bool) -> str:
    return "cross-origin" if shared else "same-origin"
