"""Examples for the OpenAPI document, of the sample catalog."""

from typing import Any

_KEY = "images/red-dots-0.jpg"

QUERIES: dict[str, dict[str, Any]] = {
    "by key": {
        "summary": "Like an item of the index, in color",
        "value": {"terms": [{"attribute": "color", "image": {"key": _KEY}}], "limit": 5},
    },
    "by block": {
        "summary": "Like an item, in block 3",
        "value": {"terms": [{"block": 3, "image": {"key": _KEY}}]},
    },
}
ANSWER: dict[str, Any] = {
    "hits": [
        {
            "key": _KEY,
            "score": 0.9975,
            "terms": [{"attribute": "color", "block": None, "similarity": 1.0, "score": 0.9975}],
            "metadata": {"color": "red", "texture": "dots"},
            "image_url": f"/v1/images/{_KEY}",
            "thumbnail_url": f"/v1/thumbnails/{_KEY}",
        }
    ],
    "next_cursor": None,
    "exact": True,
    "generation": 1,
    "took_ms": 5.2,
}
