"""Queries to get wrong, and the problem documents that refuse them."""

from typing import Any

import httpx

KEY = "003.png"
TERM: dict[str, Any] = {"attribute": "color", "image": {"key": KEY}}


def term(**more: Any) -> dict[str, Any]:
    return {"attribute": "color", **more}


def refused(answer: httpx.Response, *words: str, kind: str = "query") -> None:
    """Check for a small problem document of this kind with ``words`` in its detail."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert all(word in found["detail"] for word in words), found["detail"]
    assert found["type"] == f"urn:hueweave:{kind}"
    assert found["instance"] == "/v1/search"
    assert len(answer.content) < 2_000


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"not": found}
    return found
