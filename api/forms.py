"""Fields of a multipart form: each once, and only those there are."""

from collections.abc import Sequence

from starlette.datastructures import FormData

from models.errors import shorten
from service.errors import QueryError


def check_fields(form: FormData, known: Sequence[str]) -> None:
    """Raise QueryError for a field that is not ``known`` or was sent more than once."""
    for name in form:
        if name not in known:
            listed = ", ".join(known)
            raise QueryError(f"unknown field {shorten(name)!r}: expected some of {listed}")
        if len(form.getlist(name)) > 1:
            raise QueryError(f"field {name!r} was sent more than once")
