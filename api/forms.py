"""What requests bring: their media type, and fields of a form, each once and only those known."""

from collections.abc import Sequence

from starlette.datastructures import FormData
from starlette.requests import Request

from models.errors import shorten
from service.errors import QueryError


def media_type(request: Request) -> str:
    """Return the media type of a request's body, in lower case and without parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def check_fields(form: FormData, known: Sequence[str]) -> None:
    """Raise QueryError for a field that is not ``known`` or was sent more than once."""
    for name in form:
        if name not in known:
            listed = ", ".join(known)
            raise QueryError(f"unknown field {shorten(name)!r}: expected some of {listed}")
        if len(form.getlist(name)) > 1:
            raise QueryError(f"field {name!r} was sent more than once")
