"""A running server as an index: `--index http://host:port`."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from indexer.filters import Filter
from models.errors import HueweaveError, PictureError
from models.images import Limits, read_picture
from service.addresses import key_path
from service.answer import Answer
from service.asking import Asked, Question
from service.facets import Facets
from service.info import IndexInfo

Model = TypeVar("Model", bound=BaseModel)
# The `type` of a problem that lies in the picture sent.
PICTURE_PROBLEM = "urn:hueweave:picture"
_TIMEOUT = httpx.Timeout(60, connect=5)


class RemoteError(HueweaveError):
    """A server that cannot be reached, or that does not answer as hueweave does."""


def is_remote(index: str) -> bool:
    """Return whether ``index`` is the address of a server rather than a folder."""
    return index.startswith(("http://", "https://"))


class RemoteIndex:
    """Implements ``Asker`` over REST. A wrong question is an error, a wrong picture a problem."""

    def __init__(self, address: str, limits: Limits) -> None:
        self._address, self._limits = address.rstrip("/"), limits
        try:
            self._client = httpx.Client(timeout=_TIMEOUT)
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # a proxy it does not know
            raise RemoteError(f"cannot reach {self._address}: {error}") from error

    def info(self) -> IndexInfo:
        """Return what the server's index is made of; raises RemoteError."""
        return self._parsed(IndexInfo, self._json("GET", "/v1/index"))

    def facets(self, filter: Filter, columns: Sequence[str] | None, limit: int) -> Facets:
        """Return what the server counts; see ``count_facets``. Raises RemoteError."""
        asked = {"filter": filter.model_dump_json(), "column": list(columns or []), "limit": limit}
        return self._parsed(Facets, self._json("GET", "/v1/facets", params=asked))

    def ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        """Yield an answer or a problem for each question, in order."""
        for question in questions:
            yield self._ask(question)

    def picture(self, key: str) -> bytes | None:
        """Return a thumbnail of an item, or None if its picture is gone."""
        response = self._request("GET", f"/v1/thumbnails/{key_path(key)}")
        return response.content if response.is_success else None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, question: Question) -> Asked:
        query = question.query.model_dump_json(exclude_defaults=True)
        try:
            files = {
                name: read_picture(path, self._limits) for name, path in question.files.items()
            }
            # Sent as a file too: a form's fields of text may be short only.
            sent = {"files": {"query": query.encode(), **files}}
            return Asked(question, self._parsed(Answer, self._json("POST", "/v1/search", **sent)))
        except PictureError as error:
            return Asked(question, problem=str(error))

    def _json(self, method: str, path: str, **sent: Any) -> Any:
        response = self._request(method, path, **sent)
        try:
            document = response.json()
        except ValueError as error:
            raise self._stranger() from error
        if not isinstance(document, dict):
            raise self._stranger()
        if response.is_success:
            return document
        detail = str(document.get("detail", response.reason_phrase))
        # A picture's own fault: the other pictures may still be answered.
        raise (PictureError if document.get("type") == PICTURE_PROBLEM else RemoteError)(detail)

    def _parsed(self, kind: type[Model], document: Any) -> Model:
        try:
            return kind.model_validate(document)
        except ValidationError as error:
            raise self._stranger() from error

    def _stranger(self) -> RemoteError:
        return RemoteError(f"{self._address} does not answer as hueweave does")

    def _request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            return self._client.request(method, self._address + path, **sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(f"cannot reach {self._address}: {error}") from error
