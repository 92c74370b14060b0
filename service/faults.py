"""What pydantic finds wrong, as a person reads it."""

import re
from collections.abc import Sequence
from typing import Any

from models.errors import shorten

_PARTS = ("body", "query")
"""Of a request; a field inside it may be called the same."""
_IS_FIELD = re.compile(r"[a-z][a-z0-9_]*")


def describe_invalid(errors: Sequence[Any]) -> str:
    """Return what pydantic's ``errors`` say, each fault with its place and value."""
    faults = []
    for fault in errors[:5]:
        place = _place(fault["loc"], unknown=fault.get("type") == "extra_forbidden")
        given = fault.get("input")
        shown = f" (got {str(given)[:80]!r})" if isinstance(given, str | int | float) else ""
        message = str(fault["msg"]).removeprefix("Value error, ")
        faults.append(f"{place}: {message}{shown}" if place else f"{message}{shown}")
    return "; ".join(faults)


def _place(loc: tuple[int | str, ...], *, unknown: bool = False) -> str:
    """Return where a fault is as a person writes it, such as ``terms[0].image.key``.

    The last part of an ``unknown`` field's place is its name, whatever that is.
    """
    place = ""
    for at, part in enumerate(loc, start=1):
        is_name = unknown and at == len(loc)
        if isinstance(part, int):
            place += f"[{part}]"
        elif is_name or (_IS_FIELD.fullmatch(part) and not (at == 1 and part in _PARTS)):
            # Others are the names pydantic gives to the arms of a union.
            place += f".{shorten(part)}" if place else shorten(part)
    return place
