"""Parts of an ASGI request that security looks at."""

from starlette.types import Scope


def route_path(scope: Scope) -> str:
    """Return the decoded path that routes are matched with: without the prefix that a proxy set."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return all values of a header, by its name in lower case."""
    return [value.decode("latin-1") for found, value in scope["headers"] if found == name]
