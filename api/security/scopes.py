"""What an operation needs: nothing, or a key of some scope. What is not listed needs the most."""

import re
from collections.abc import Mapping

from service.keys import Scope

_INDEX = r"(?s)/v1/(?:indexes/[^/]+/)?"
_OPEN = re.compile(r"/|/healthz|/readyz|/docs|/openapi\.json|/static-offline-docs/[^/]+")
# Searching is a question, though it is sent as POST.
_QUESTIONS = re.compile(_INDEX + r"(?:search|search/image|explain|palette)/?")
_CHANGES = re.compile(_INDEX + r"items/.+")
_BULK = re.compile(_INDEX + r"bulk/?")

# By method, the paths that a scope is enough for.
_LISTED: Mapping[str, tuple[tuple[re.Pattern[str], Scope], ...]] = {
    "POST": ((_QUESTIONS, "read"), (_BULK, "write")),
    "PUT": ((_CHANGES, "write"),),
    "PATCH": ((_CHANGES, "write"),),
    "DELETE": ((_CHANGES, "write"),),
}


def scope_needed(method: str, path: str) -> Scope | None:
    """Return the scope that ``method`` needs on the decoded ``path``, or None if none is needed.

    Everything can be read with the scope read. What changes anything and is not listed, such as a
    route that is new, needs admin.
    """
    if method in ("GET", "HEAD"):
        return None if _OPEN.fullmatch(path) else "read"
    for pattern, scope in _LISTED.get(method, ()):
        if pattern.fullmatch(path):
            return scope
    return "admin"
