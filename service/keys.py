"""API keys: what they may do, and how a secret is compared with the digest that is kept."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.errors import HueweaveError

Scope = Literal["read", "feedback", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Each scope holds those before it."""

_SECRET_BYTES = 32
_KEY = re.compile(r"hw_(?P<id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
_UNKNOWN = "0" * 64
_Hex256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class KeysError(HueweaveError):
    """A keys file that cannot be read or written."""


class UnknownApiKeyError(HueweaveError):
    """An id that no key of the file has."""


class ApiKey(BaseModel):
    """What the file knows of a key; ``created`` and ``expires`` are moments in UTC.

    A secret is 256 random bits, which nobody can guess however fast they try: a plain SHA-256
    keeps it as safe as a slow hash would, and costs a request nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern="^[0-9a-f]{8}$")
    name: str
    scope: Scope
    created: AwareDatetime
    expires: AwareDatetime | None = None
    sha256: _Hex256

    def allows(self, scope: Scope) -> bool:
        """Return whether the key may do what needs ``scope``."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)

    def has_expired(self, now: datetime) -> bool:
        """Return whether the key counts no longer."""
        return self.expires is not None and now >= self.expires


class KeySet(BaseModel):
    """A keys file, read: the keys, and the secret (hex) that signs addresses of pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    signing_secret: _Hex256
    keys: tuple[ApiKey, ...] = ()

    def find(self, text: str, now: datetime) -> ApiKey | None:
        """Return the key that ``text`` is, or None if there is none or it has expired.

        An id that is not there takes the same comparison as one that is.
        """
        parts = _KEY.fullmatch(text)
        found = next((key for key in self.keys if parts and key.id == parts["id"]), None)
        digest = hashlib.sha256((parts["secret"] if parts else "").encode()).hexdigest()
        same = hmac.compare_digest(digest, found.sha256 if found else _UNKNOWN)
        return found if found and same and not found.has_expired(now) else None


def new_secret() -> tuple[str, str]:
    """Return a secret as it stands in a key, and the digest that is kept of it."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return secret, hashlib.sha256(secret.encode()).hexdigest()


def new_signing_secret() -> str:
    """Return a secret to sign addresses with, in hex."""
    return secrets.token_hex(_SECRET_BYTES)


def is_key(text: str) -> bool:
    """Return whether ``text`` has the form of a key."""
    return _KEY.fullmatch(text) is not None
