"""The gate: no request passes without the key that it needs, and none is read before."""

from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from api.problems import problem_response
from api.security.paths import header_values, route_path
from api.security.scopes import scope_needed
from api.security.signing import AddressError, Signer, is_signable, is_signed
from service.keys import KeysError, Scope
from service.keys_file import KeyRing

_REALM = 'Bearer realm="hueweave"'
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


@dataclass(frozen=True)
class Gate:
    """Lets a request through that carries a key of the scope it needs (RFC 6750), or a signed
    address. It stands before the routes, so that a route added later is behind it too.

    What it found is left in the request's state: ``key_id``, and the ``signer`` of addresses.
    """

    app: ASGIApp
    ring: KeyRing
    address_ttl: int

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there are none; if ever, they are not open unawares
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        refused = self._check(scope) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _check(self, scope: Connection) -> JSONResponse | None:
        path = route_path(scope)
        needed = scope_needed(scope["method"], path)
        if needed is None:
            return None
        try:
            keys = self.ring.current()
            signer = Signer(bytes.fromhex(keys.signing_secret), self.address_ttl)
            scope.setdefault("state", {})["signer"] = signer
            given = header_values(scope, b"authorization")
            if is_signable(path) and is_signed(scope["query_string"]):
                refused = _check_address(signer, scope, path)
                # The header may be a proxy's own, such as Basic: a good address needs no key.
                if refused is None or not given:
                    return refused
            return self._check_key(given, scope, path, needed)
        except KeysError:
            # Its text names a file of the server's; the ring has logged it.
            return problem_response(503, "the server cannot read its keys", path)

    def _check_key(
        self, given: list[str], scope: Connection, path: str, needed: Scope
    ) -> JSONResponse | None:
        if not given:
            detail = "this needs a key: send the header 'Authorization: Bearer hw_…'"
            return _unauthorized(detail, path)
        kind, _, text = given[0].partition(" ")
        if len(given) > 1 or kind.lower() != "bearer":
            detail = "the header Authorization is not one 'Bearer hw_…'"
            return _unauthorized(detail, path, error="invalid_request")
        key = self.ring.find(text.strip())
        if key is None:
            detail = "the key is unknown, was revoked, or has expired"
            return _unauthorized(detail, path, error="invalid_token")
        scope["state"]["key_id"] = key.id
        if not key.allows(needed):
            detail = f"this needs the scope {needed!r}, the key has {key.scope!r}"
            challenge = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
            return problem_response(403, detail, path, headers={"WWW-Authenticate": challenge})
        return None


def _check_address(signer: Signer, scope: Connection, path: str) -> JSONResponse | None:
    if scope["method"] not in ("GET", "HEAD"):
        return _unauthorized("a signed address is for reading only", path)
    try:
        signer.check(path, scope["query_string"])
    except AddressError as error:
        return _unauthorized(str(error), path)
    return None


def _unauthorized(detail: str, path: str, *, error: str | None = None) -> JSONResponse:
    challenge = f'{_REALM}, error="{error}"' if error else _REALM
    return problem_response(401, detail, path, headers={"WWW-Authenticate": challenge})
