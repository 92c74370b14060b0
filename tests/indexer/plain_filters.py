"""Filters answered one item at a time in plain Python, and random filters and metadata."""

import json
from random import Random
from typing import Any

from indexer.sources import Metadata
from models.colors import COLOR_NAMES

KINDS = {
    "color": "text", "date": "text", "größe 🧶": "text", "mixed": "text",
    "stock": "integer", "price": "number", "new": "boolean",
}  # fmt: skip
_WORDS = [
    "red",
    "Red",
    "",
    "rot",
    "красный",
    "赤",
    "🧶",
    "e\u0301",
    "\u00e9",
    'say "x"',
    "7",
    "true",
]
_INTEGERS = [0, 1, -1, 7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**30]
_NUMBERS = [0.0, -0.0, 0.1, 7.0, 7.5, -1.5, 1e300, -1e300, float(2**53), 5e-324, 9.2e18]
_BY_TYPE: dict[str, list[Any]] = {
    "text": _WORDS,
    "integer": [*_INTEGERS, 3.0, -7.0, 1e20],
    "number": [*_INTEGERS, *_NUMBERS, 10**305],
    "boolean": [True, False],
}
_ORDERS = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def random_metadata(random: Random) -> Metadata:
    """Return a row in which every column is at times missing, null, or of another type."""
    row: dict[str, Any] = {}
    for name, kind in KINDS.items():
        kinds = list(_BY_TYPE) if name == "mixed" or random.random() < 0.1 else [kind]
        value = random.choice(_BY_TYPE[random.choice(kinds)])
        if name == "date":
            value = f"20{random.randrange(20, 26)}-{random.randrange(1, 13):02}-01"
        if random.random() > 0.15:
            row[name] = None if random.random() < 0.1 else value
    return row


def random_filter(random: Random, depth: int = 4) -> dict[str, Any]:
    """Return a filter, as JSON is parsed, that fits columns of ``KINDS``."""
    kind = random.choice(["and", "or", "not", "column", "column", "shows"])
    if depth == 0 or kind == "column":
        return _condition(random)
    if kind == "shows":
        return {"shows": random.choice(COLOR_NAMES)}
    if kind == "not":
        return {"not": random_filter(random, depth - 1)}
    count = random.randrange(0 if kind == "and" else 1, 4)
    return {kind: [random_filter(random, depth - 1) for _ in range(count)]}


def _condition(random: Random) -> dict[str, Any]:
    name, kind = random.choice(list(KINDS.items()))
    values = ["2022", "2023-05-01", "2021-12"] if name == "date" else _BY_TYPE[kind]
    test = random.choice(["eq", "in", "exists", *(["range"] * 3 if kind != "boolean" else [])])
    if test == "exists":
        return {"column": name, "exists": random.random() < 0.5}
    if test == "eq":
        return {"column": name, "eq": random.choice(values)}
    if test == "in":
        return {"column": name, "in": random.choices(values, k=random.randrange(4))}
    bounds = random.sample(list(_ORDERS), random.randrange(1, 4))
    return {"column": name, **{bound: random.choice(values) for bound in bounds}}


def held(kind: str, value: Any) -> Any:
    """Return what a column of this type makes of a value; None if it can be compared to nothing."""
    if value is None:
        return None
    if kind == "text":
        return value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool) or kind == "boolean":
        return value if isinstance(value, bool) and kind == "boolean" else None
    if isinstance(value, str):
        return None
    if kind == "number":
        return float(value)
    return int(value) if value == int(value) and -(2**63) <= value < 2**63 else None


def meets(filter: dict[str, Any], row: Metadata, kinds: dict[str, str], shown: set[str]) -> bool:
    """Return whether an item with this metadata, which shows these colors, meets ``filter``."""
    if "and" in filter:
        return all(meets(one, row, kinds, shown) for one in filter["and"])
    if "or" in filter:
        return any(meets(one, row, kinds, shown) for one in filter["or"])
    if "not" in filter:
        return not meets(filter["not"], row, kinds, shown)
    if "shows" in filter:
        return filter["shows"] in shown
    if not filter:
        return True
    given = row.get(filter["column"])
    value = held(kinds[filter["column"]], given)
    if "exists" in filter:
        return filter["exists"] is (given is not None)
    if value is None:
        return False
    if "eq" in filter:
        return bool(value == filter["eq"])
    if "in" in filter:
        return value in filter["in"]
    return all(test(value, filter[name]) for name, test in _ORDERS.items() if name in filter)
