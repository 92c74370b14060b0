"""A running server as an index: `--index http://host:port`, or with `/v1/indexes/NAME` behind."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from indexer.filters import Filter
from models.errors import HueweaveError, PictureError
from models.images import Limits, read_picture
from service.addresses import key_path
from service.answer import Answer
from service.asking import Asked, Question
from service.errors import SettingsError
from service.facets import Facets
from service.info import IndexInfo
from service.keys import is_key
from service.new_index import NewIndexView
from service.settings import Settings

Model = TypeVar("Model", bound=BaseModel)
# The `type` of a problem that lies in the picture sent.
PICTURE_PROBLEM = "urn:hueweave:picture"
_INDEX = re.compile("(?P<server>.*?)(?P<prefix>/v1(/indexes/[^/]+)?)?")
_TIMEOUT = httpx.Timeout(60, connect=5)
# A batch of pictures takes a while, and others may be waiting.
_WRITING = httpx.Timeout(600, connect=5)
_LOADING = httpx.Timeout(600, connect=5)


class RemoteError(HueweaveError):
    """A server that cannot be reached, or that does not answer as hueweave does."""


class _Aliases(BaseModel):
    aliases: dict[str, str]


def is_remote(index: str) -> bool:
    """Return whether ``index`` is the address of a server rather than a folder."""
    return index.startswith(("http://", "https://"))


class RemoteIndex:
    """Implements ``Asker`` over REST. A wrong question is an error, a wrong picture a problem."""

    def __init__(self, address: str, limits: Limits, api_key: str | None = None) -> None:
        self._address, self._limits = address.rstrip("/"), limits
        parts = _INDEX.fullmatch(self._address)
        assert parts is not None  # it leaves nothing out
        self._server = parts["server"]
        self._prefix = parts["prefix"] or "/v1"
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        try:
            self._client = httpx.Client(timeout=_TIMEOUT, headers=headers)
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # a proxy it does not know
            raise RemoteError(f"cannot reach {self._address}: {error}") from error

    def info(self) -> IndexInfo:
        """Return what the server's index is made of; raises RemoteError."""
        return self._parsed(IndexInfo, self._json("GET", "/index"))

    def facets(self, filter: Filter, columns: Sequence[str] | None, limit: int) -> Facets:
        """Return what the server counts; see ``count_facets``. Raises RemoteError."""
        asked = {"filter": filter.model_dump_json(), "column": list(columns or []), "limit": limit}
        return self._parsed(Facets, self._json("GET", "/facets", params=asked))

    def ask(self, questions: Sequence[Question]) -> Iterator[Asked]:
        """Yield an answer or a problem for each question, in order."""
        for question in questions:
            yield self._ask(question)

    def picture(self, key: str) -> bytes | None:
        """Return a thumbnail of an item, or None if its picture is gone."""
        response = self._request("GET", f"/thumbnails/{key_path(key)}")
        return response.content if response.is_success else None

    def make(self, wanted: Mapping[str, str]) -> tuple[NewIndexView, bool]:
        """Let the server make the index that the address names, unless there is one like it.

        ``wanted`` are settings that it is made with. Returns what it was made with, and whether it
        is new. Raises SettingsError for an address that names none, RemoteError.
        """
        if self._prefix == "/v1":
            raise SettingsError(
                f"{self._address} names no index to make: write its name behind, as in "
                "http://host:port/v1/indexes/shop-1"
            )
        response = self._request("PUT", "", json=dict(wanted), timeout=_LOADING)
        made = self._parsed(NewIndexView, self._document(response))
        return made, response.status_code == httpx.codes.CREATED

    def aliases(self) -> dict[str, str]:
        """Return what each alias of the server stands for; raises RemoteError."""
        found = self._json("GET", "/indexes", prefix="/v1")
        return self._parsed(_Aliases, found).aliases

    def set_alias(self, alias: str, index: str) -> None:
        """Let an alias stand for an index of the server, once that is loaded there.

        Raises RemoteError.
        """
        path, sent = f"/aliases/{key_path(alias)}", {"index": index}
        self._json("PUT", path, prefix="/v1", json=sent, timeout=_LOADING)

    def remove_alias(self, alias: str) -> None:
        """Remove an alias of the server; raises RemoteError."""
        self._json("DELETE", f"/aliases/{key_path(alias)}", prefix="/v1")

    def post_lines(self, path: str, lines: Iterable[bytes], media_type: str) -> bytes:
        """Send lines and return the server's; raises RemoteError."""
        headers = {"Content-Type": media_type}
        response = self._request("POST", path, content=lines, headers=headers, timeout=_WRITING)
        if not response.is_success:
            self._document(response)
        return response.content

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
            return Asked(question, self._parsed(Answer, self._json("POST", "/search", **sent)))
        except PictureError as error:
            return Asked(question, problem=str(error))

    def _json(self, method: str, path: str, **sent: Any) -> Any:
        response = self._request(method, path, **sent)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        return self._document(response)

    def _document(self, response: httpx.Response) -> Any:
        """Return the JSON object of an answer; raises PictureError or RemoteError for a problem."""
        try:
            document = response.json()
        except ValueError as error:
            raise self.stranger() from error
        if not isinstance(document, dict):
            raise self.stranger()
        if response.is_success:
            return document
        detail = str(document.get("detail", response.reason_phrase))
        # A picture's own fault: the other pictures may still be answered.
        raise (PictureError if document.get("type") == PICTURE_PROBLEM else RemoteError)(detail)

    def _parsed(self, kind: type[Model], document: Any) -> Model:
        try:
            return kind.model_validate(document)
        except ValidationError as error:
            raise self.stranger() from error

    def stranger(self) -> RemoteError:
        """Return the error of an answer that is none of hueweave's."""
        return RemoteError(f"{self._address} does not answer as hueweave does")

    def _request(
        self, method: str, path: str, *, prefix: str | None = None, **sent: Any
    ) -> httpx.Response:
        address = self._server + (prefix or self._prefix) + path
        try:
            return self._client.request(method, address, **sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(f"cannot reach {self._address}: {error}") from error


def open_remote(settings: Settings) -> RemoteIndex:
    """Return the server that the setting ``index`` names, asked with the key in ``api_key``.

    Raises SettingsError if that is no key, RemoteError for an address that cannot be used.
    """
    limits = Limits(settings.max_bytes, settings.max_pixels)
    key = settings.api_key.get_secret_value().strip() if settings.api_key else None
    if key is not None and not is_key(key):  # not shown: it may be a key with a letter missing
        raise SettingsError("setting 'api_key' is no key: expected hw_ID_SECRET, as it was shown")
    return RemoteIndex(settings.index or "", limits, key)
