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
_FEEDBACK = re.compile(_INDEX + r"feedback/?")
# What people judged, and who: not for everyone who may search, nor for everyone who may judge.
_JUDGEMENTS = re.compile(_INDEX + r"feedback(?:/.*)?")

# By method, the paths that a scope is enough for.
_LISTED: Mapping[str, tuple[tuple[re.Pattern[str], Scope], ...]] = {
    "POST": ((_QUESTIONS, "read"), (_BULK, "write"), (_FEEDBACK, "feedback")),
    "PUT": ((_CHANGES, "write"),),
    "PATCH": ((_CHANGES, "write"),),
    "DELETE": ((_CHANGES, "write"), (_JUDGEMENTS, "write")),
}


def scope_needed(method: str, path: str) -> Scope | None:
    """Return the scope that ``method`` needs on the decoded ``path``, or None if none is needed.

    Everything but judgements can be read with the scope read. What changes anything and is not
    listed, such as a route that is new, needs admin.
    """
    if method in ("GET", "HEAD"):
        if _OPEN.fullmatch(path):
            return None
        return "write" if _JUDGEMENTS.fullmatch(path) else "read"
    for pattern, scope in _LISTED.get(method, ()):
        if pattern.fullmatch(path):
            return scope
    return "admin"
