"""What the OpenAPI document says of keys and signed addresses."""

from typing import Any

from api.problems import declare
from api.security.scopes import scope_needed
from api.security.signing import is_signable

_SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hw_ID_SECRET",
        "description": "A key of `hueweave key create`, with the scope read, "
        "feedback, write or admin.",
    },
    "address": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "Part of the addresses of pictures in answers, beside `expires`.",
    },
}


def declare_security(document: dict[str, Any], *, keyed: bool) -> None:
    """Add to an OpenAPI document which key each operation needs if ``keyed``, and how it refuses.

    Whatever it is, a request without the server's name is refused, and what is not a mere reading
    is refused to pages of other sites, with keys and without.
    """
    if keyed:
        document["components"]["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = scope_needed(method.upper(), path)
            for_all = method == "get" and not (keyed and scope not in (None, "read"))
            refusals = [400, 421] if for_all else [400, 403, 421]
            if keyed and scope is not None:
                operation["security"] = [{"key": [scope]}]
                if is_signable(path):
                    operation["security"].append({"address": []})
                refusals += [401, 503]
            for status, response in declare(*refusals).items():
                operation["responses"].setdefault(str(status), response)
