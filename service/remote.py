"""A running server as an index: `--index http://host:port`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from models.errors import HueweaveError, PictureError
from models.images import Limits, read_picture
from service.asking import Asked, Question
from service.info import IndexInfo
from service.query import Answer, Hit, Subject

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

    def ask(self, paths: Sequence[str], question: Question) -> Iterator[Asked]:
        """Yield an answer or a problem for each of ``paths`` in each subject, in order."""
        for path in paths:
            for subject in question.subjects:
                yield self._ask(path, subject, question)

    def picture(self, hit: Hit) -> bytes | None:
        """Return a thumbnail of a hit, or None if its picture is gone."""
        path = hit.thumbnail_url or ""
        if not path.startswith("/"):  # an address of somewhere else is not followed
            return None
        response = self._request("GET", path)
        return response.content if response.is_success else None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, path: str, subject: Subject, question: Question) -> Asked:
        term = {"attribute": subject.attribute, "block": subject.block, "image": {"part": "image"}}
        query = {"terms": [term], "limit": question.limit, "min_score": question.min_score}
        try:
            data = read_picture(Path(path), self._limits)
        except PictureError as error:
            return Asked(path, subject, problem=str(error))
        sent = {"data": {"query": json.dumps(query)}, "files": {"image": data}}
        try:
            answer = self._parsed(Answer, self._json("POST", "/v1/search", **sent))
            return Asked(path, subject, answer)
        except PictureError as error:
            return Asked(path, subject, problem=str(error))

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
