"""Addresses that open one picture for a short time, for clients that can send no key."""

import base64
import hashlib
import hmac
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

_MINUTE, _MOST_FIELDS = 60, 10
_SIGNABLE = re.compile(r"(?s)/v1/(?:indexes/[^/]+/)?(?:images|thumbnails)/.+")


class AddressError(Exception):
    """A signed address that opens nothing; its text says why."""


@dataclass(frozen=True)
class Signer:
    """Signs paths for ``ttl`` seconds, and checks them, with the keys file's ``secret``."""

    secret: bytes
    ttl: int
    now: Callable[[], float] = time.time

    def query(self, path: str) -> str:
        """Return the query that opens ``path``, which is decoded and begins with ``/v1/``.

        It expires on a whole minute, so that an address stays the same, and cached, for one.
        """
        expires = math.ceil((self.now() + self.ttl) / _MINUTE) * _MINUTE
        return f"expires={expires}&signature={self._signature(path, expires)}"

    def check(self, path: str, query: bytes) -> None:
        """Raise AddressError unless ``query`` opens ``path`` now."""
        try:
            given = parse_qs(query.decode("latin-1"), max_num_fields=_MOST_FIELDS)
        except ValueError as error:  # there are more
            raise AddressError("the address is not one that this server signed") from error
        expires, signature = given.get("expires", [""]), given.get("signature", [""])
        # No number of ours is longer, and Python refuses to read endless ones.
        if len(expires) != 1 or len(signature) != 1 or not re.fullmatch("[0-9]{1,12}", expires[0]):
            raise AddressError("the address is not one that this server signed")
        expected = self._signature(path, int(expires[0]))
        if not hmac.compare_digest(expected.encode(), signature[0].encode()):
            raise AddressError("the address is not one that this server signed")
        if self.now() >= int(expires[0]):
            raise AddressError("the address has expired: ask for the item again")

    def _signature(self, path: str, expires: int) -> str:
        message = f"{expires}\n{path}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self.secret, message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_signable(path: str) -> bool:
    """Return whether ``path`` is that of a picture or a thumbnail, of any index."""
    return _SIGNABLE.fullmatch(path) is not None


def is_signed(query: bytes) -> bool:
    """Return whether a query claims to be signed."""
    return b"signature=" in query
