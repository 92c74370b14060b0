"""What an item may be called, and what its metadata may be."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic import TypeAdapter, ValidationError

from indexer.sources import Metadata
from indexer.tables import Value
from models.errors import shorten
from service.errors import ItemError

MAX_KEY_BYTES = 1024
MAX_NAME = 256
"""Characters of a metadata column's name."""
MAX_VALUES = 256
MAX_METADATA_BYTES = 64 * 1024
_INTEGERS = range(-(2**63), 2**63)
_OBJECT = TypeAdapter(dict[str, Any])


def check_key(key: str) -> None:
    """Raise ItemError for a key that cannot be stored, or that no address can name."""
    size = _bytes_of(key, "the key")
    if not size or size > MAX_KEY_BYTES:
        raise ItemError(
            f"key {shorten(key)!r} has {size:,} bytes in UTF-8: expected 1 to {MAX_KEY_BYTES:,}"
        )
    if "\0" in key:
        raise ItemError(f"key {shorten(key)!r} has a zero byte: leave it out")
    if key in (".", ".."):
        raise ItemError(f"the key is {key!r}, which no address can name: give it another")


def read_metadata(text: str | bytes) -> Metadata:
    """Return the metadata that a JSON object is; raises ItemError naming what is wrong."""
    if len(text) > 2 * MAX_METADATA_BYTES:  # before it is looked at; white space counts, too
        raise ItemError(_too_large(len(text)))
    try:
        found = _OBJECT.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        why = first.get("ctx", {}).get("error") or first["msg"]
        raise ItemError(f"metadata is not a JSON object: {why}") from error
    return check_metadata(found)


def check_metadata(found: Mapping[str, Any]) -> Metadata:
    """Return values out of JSON as metadata; raises ItemError naming the one that is none."""
    if len(found) > MAX_VALUES:
        raise ItemError(f"metadata has {len(found):,} values, the limit is {MAX_VALUES}")
    size = 0
    for name, value in found.items():
        size += _bytes_of(name, "a name in metadata")
        if not 0 < len(name) <= MAX_NAME:
            raise ItemError(
                f"metadata has the name {shorten(name)!r} of {len(name)} characters: expected 1 "
                f"to {MAX_NAME}"
            )
        size += _check_value(name, value)
    if size > MAX_METADATA_BYTES:
        raise ItemError(_too_large(size))
    return dict(found)


def merged(metadata: Metadata, changes: Metadata) -> Metadata:
    """Return metadata with ``changes`` merged in as RFC 7396 says: None removes a value.

    Raises ItemError if that is more than metadata may be.
    """
    kept = {name: value for name, value in metadata.items() if name not in changes}
    new = {name: value for name, value in changes.items() if value is not None}
    return check_metadata({**kept, **new})


def same_metadata(one: Metadata, other: Metadata) -> bool:
    """Return whether two are the same with their types: 1, 1.0 and true differ."""
    return _typed(one) == _typed(other)


def _typed(metadata: Metadata) -> dict[str, tuple[type, Value]]:
    return {name: (type(value), value) for name, value in metadata.items()}


def _check_value(name: str, value: object) -> int:
    """Raise ItemError unless ``value`` can be metadata; return about how many bytes it takes."""
    if isinstance(value, str):
        return _bytes_of(value, f"metadata {shorten(name)!r}")
    if isinstance(value, int) and value not in _INTEGERS:
        shown = shorten(hex(value), 24)
        raise ItemError(f"metadata {shorten(name)!r} is {shown}: expected at most 64 bits")
    if isinstance(value, float) and not isfinite(value):
        raise ItemError(f"metadata {shorten(name)!r} is {value}: expected a finite number")
    if value is not None and not isinstance(value, bool | int | float):
        kind = "a list" if isinstance(value, list) else "an object"
        raise ItemError(
            f"metadata {shorten(name)!r} is {kind}: expected text, a number, true, false or null"
        )
    return 8


def _bytes_of(text: str, what: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise ItemError(f"{what} is not Unicode: it has half of a surrogate pair") from error


def _too_large(size: int) -> str:
    return f"metadata has {size:,} bytes, the limit is {MAX_METADATA_BYTES:,}"
