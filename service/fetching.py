"""Pictures by address: from listed hosts on the Internet only, bounded in size and in time."""

import logging
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from urllib.parse import urljoin

import httpcore
import httpx

from models.errors import PictureError, PictureTooLargeError, shorten
from models.images import DEFAULT_LIMITS, Limits
from service.connecting import Deadline, Pinned, Resolve, resolve, resolve_by
from service.hosts import DEFAULT_PORTS, AllowedHost, is_public, parse_hosts
from service.settings import Settings

log = logging.getLogger(__name__)
Fetch = Callable[[str], bytes]
"""From an address to the bytes there; raises FetchError or PictureTooLargeError."""

MAX_REDIRECTS = 3
MAX_ADDRESS = 4096
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = [
    ("User-Agent", "hueweave"),
    ("Accept", "image/*"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
]


class FetchError(PictureError):
    """An address that may not be asked, or that gave no picture.

    Nothing of what a host answered is in its text but the status, so that a stranger learns
    nothing about a network that only the server can reach.
    """


def fetch_nothing(url: str) -> bytes:
    """Refuse every address, as is done unless hosts are listed."""
    raise FetchError("pictures by address are off: list the hosts to ask in the setting url_hosts")


def make_fetch(settings: Settings) -> Fetch:
    """Return what fetches pictures as the settings allow; raises SettingsError."""
    hosts = parse_hosts(settings.url_hosts or "")
    if not hosts:
        return fetch_nothing
    return Fetcher(hosts, settings.url_timeout, Limits(settings.max_bytes, settings.max_pixels))


def host_of(url: str) -> str:
    """Return the host of an address for an error's text, which the rest may be too secret for."""
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""


@dataclass(frozen=True)
class _Target:
    url: httpx.URL
    host: str
    port: int


@dataclass(frozen=True)
class Fetcher:
    """Fetches pictures from ``hosts`` within ``timeout`` seconds in all. Thread-safe; blocks.

    The last four are for tests: how names are looked up, which addresses may be connected to,
    what time it is, and whose certificates count.
    """

    hosts: tuple[AllowedHost, ...]
    timeout: float = 10.0
    limits: Limits = DEFAULT_LIMITS
    resolve: Resolve = resolve
    is_public: Callable[[str], bool] = is_public
    clock: Callable[[], float] = monotonic
    trusted: ssl.SSLContext | None = field(default=None, compare=False)

    def __call__(self, url: str) -> bytes:
        """Return the bytes at ``url``; raises FetchError, or PictureTooLargeError for too many."""
        deadline = Deadline(self.timeout, self.clock)
        host = ""
        try:
            for _ in range(MAX_REDIRECTS + 1):
                target = self._target(url)
                host = target.host
                found = self._get(target, self._addresses(target, deadline), deadline)
                if isinstance(found, bytes):
                    return found
                url = urljoin(str(target.url), found.location)
        except (TimeoutError, httpcore.TimeoutException):
            log.info("host %r took too long", host)
            raise FetchError(f"host {host!r} took over {self.timeout:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            log.info("host %r cannot be asked: %s", host, error)
            raise FetchError(f"host {host!r} cannot be reached") from None
        except ValueError:
            raise FetchError(f"host {host!r} led on to no address") from None
        raise FetchError(f"host {host!r} led on past {MAX_REDIRECTS} redirects")

    def _target(self, url: str) -> _Target:
        """Take an address apart and hold it against the list."""
        try:
            parsed = httpx.URL(url) if len(url) <= MAX_ADDRESS else None
        except (httpx.InvalidURL, ValueError):
            parsed = None
        if parsed is None or parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            raise FetchError("it is no address: expected http:// or https:// and a host's name")
        if parsed.userinfo:
            raise FetchError("its address has a user or a password: leave these out")
        host = parsed.raw_host.decode("ascii")
        port = parsed.port or DEFAULT_PORTS[parsed.scheme]
        if not any(one.allows(parsed.scheme, host, port) for one in self.hosts):
            shown = host if parsed.port is None else f"{host}:{port}"
            raise FetchError(f"host {shorten(shown)!r} is not in the setting url_hosts")
        return _Target(parsed, host, port)

    def _addresses(self, target: _Target, deadline: Deadline) -> list[str]:
        """Look a host up once; every address it has must be one of the Internet."""
        found = list(resolve_by(deadline, self.resolve, target.host, target.port))
        refused = [one for one in found if not self.is_public(one)]
        if refused or not found:
            raise OSError(f"not public: {', '.join(refused) or 'no address'}")
        return found

    def _get(
        self, target: _Target, addresses: list[str], deadline: Deadline
    ) -> "bytes | _Redirect":
        url = httpcore.URL(
            scheme=target.url.raw_scheme,
            host=target.url.raw_host,
            port=target.url.port,
            target=target.url.raw_path,
        )
        secure = self._context if target.url.scheme == "https" else None
        backend = Pinned(addresses, deadline)
        with (
            httpcore.ConnectionPool(ssl_context=secure, network_backend=backend) as pool,
            pool.stream("GET", url, headers=_HEADERS) as response,
        ):
            headers = httpx.Headers(response.headers)
            if response.status in _REDIRECTS and "location" in headers:
                return _Redirect(headers["location"])
            if response.status != 200:
                raise FetchError(f"host {target.host!r} answered {response.status}")
            if headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise FetchError(f"host {target.host!r} sent it compressed, which was not asked")
            length = headers.get("content-length", "")
            if length.isascii() and length.isdigit() and int(length) > self.limits.max_bytes:
                raise self._too_large()
            return self._read(response.iter_stream(), deadline)

    def _read(self, pieces: Iterable[bytes], deadline: Deadline) -> bytes:
        data = bytearray()
        for piece in pieces:
            data += piece
            if len(data) > self.limits.max_bytes:
                raise self._too_large()
            deadline.left()
        return bytes(data)

    def _too_large(self) -> PictureTooLargeError:
        return PictureTooLargeError(f"it has more bytes than the limit, {self.limits.max_bytes:,}")

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self.trusted or httpx.create_ssl_context()


@dataclass(frozen=True)
class _Redirect:
    location: str
