"""All of it put around an app, in the one order that is right."""

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.security.gate import Gate
from api.security.headers import SecurityHeaders
from api.security.hosts import HostCheck, known_names
from api.security.origins import ANY, OriginCheck
from models.errors import shorten
from service.errors import SettingsError
from service.keys_file import KeyRing, KeysFile
from service.settings import Settings

_ORIGIN = re.compile(r"https?://[^/@?#\s,*]+")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "X-Request-ID")
_SHOWN = ("ETag", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def secure(app: FastAPI, settings: Settings) -> None:
    """Add the middleware that lets requests into ``app`` or not.

    Raises KeysError if there is a keys file that cannot be read, SettingsError for wrong origins.
    """
    origins = listed_origins(settings)
    if settings.keys:
        ring = KeyRing(KeysFile(Path(settings.keys).expanduser()))
        app.add_middleware(Gate, ring=ring, address_ttl=settings.address_ttl)
    app.add_middleware(OriginCheck, origins=origins)
    if origins:
        # Outside the gate: a browser asks in advance without a key, and must see a refusal.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_SHOWN,
        )
    app.add_middleware(HostCheck, names=known_names(settings.host, listed(settings.hosts)))


def add_headers(app: FastAPI, settings: Settings) -> None:
    """Add the security headers; outside all other middleware, so that no answer is without."""
    app.add_middleware(SecurityHeaders, shared=bool(listed(settings.cors_origins)))


def listed(text: str | None) -> tuple[str, ...]:
    """Return the entries of a list with commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def listed_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins that CORS is for; raises SettingsError for what is none."""
    origins = listed(settings.cors_origins)
    for origin in origins:
        if origin == ANY:
            if not settings.keys:
                raise SettingsError(
                    "setting 'cors_origins' has value '*' and there are no keys: every page of the "
                    "web could use this server through its visitors' browsers; list origins, or "
                    "set 'keys'"
                )
        elif not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"setting 'cors_origins' has {shorten(origin)!r}: expected origins such as "
                "https://shop.example, without a path"
            )
    return origins
