"""Problem documents: what each error becomes, and what never gets out."""

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from api.problems import MEDIA_TYPE, declare, describe, install
from indexer.errors import (
    BuildFailedError,
    CatalogError,
    ColumnTypeError,
    DiskFullError,
    FilterError,
    IndexBusyError,
    IndexFolderError,
    ReadOnlyError,
    SchemaError,
    UnknownKeyError,
)
from models.errors import (
    BlockError,
    HueweaveError,
    PictureError,
    PictureTooLargeError,
    PrecisionError,
    UnknownNameError,
    WeightsError,
    WeightsUnavailableError,
)
from service.errors import ConditionError, ItemError, LineError, QueryError, SettingsError

SECRET = "/srv/secret/index"


class FinerPictureError(PictureError):
    """A kind of its own: its ancestor decides."""


def answer_to(error: Exception, method: str = "GET") -> httpx.Response:
    """Return what an app answers whose only route raises ``error``."""
    app = FastAPI()
    install(app)

    @app.get("/boom")
    def boom() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, "/boom")

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (PictureTooLargeError("w"), 413, "urn:hueweave:picture"),
        (PictureError("w"), 422, "urn:hueweave:picture"),
        (FinerPictureError("w"), 422, "urn:hueweave:picture"),
        (UnknownKeyError("w"), 404, "urn:hueweave:unknown-key"),
        (UnknownNameError("attribute", "w", ["a"]), 422, "urn:hueweave:unknown-name"),
        (BlockError("w"), 422, "urn:hueweave:unknown-block"),
        (QueryError("w"), 422, "urn:hueweave:query"),
        (FilterError("w"), 422, "urn:hueweave:filter"),
        (ItemError("w"), 422, "urn:hueweave:item"),
        (ColumnTypeError("w"), 422, "urn:hueweave:column-type"),
        (ConditionError("w"), 412, "urn:hueweave:condition"),
        (LineError("w"), 400, "urn:hueweave:line"),
        (HTTPException(400, "w"), 400, "about:blank"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_caller_can_mend_keeps_its_words(error: Exception, status: int, kind: str) -> None:
    answer = answer_to(error)
    assert answer.headers["content-type"] == MEDIA_TYPE
    found = answer.json()
    assert (answer.status_code, found["status"], found["type"]) == (status, status, kind)
    assert found["detail"] == (getattr(error, "detail", None) or str(error))
    assert found["instance"] == "/boom"


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ReadOnlyError(SECRET), 403, "the index is open read-only: it cannot be changed"),
        (DiskFullError(SECRET), 507, "no room on the server's disk: nothing was changed"),
        (
            IndexBusyError(SECRET, "process 7 on host"),
            503,
            "the index is being written by process 7 on host: try again",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_names_a_folder_of_the_server_is_said_in_other_words(
    error: Exception, status: int, detail: str
) -> None:
    answer = answer_to(error)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert (answer.headers.get("retry-after") == "1") == (status == 503)
    assert describe(error) == (status, detail)


def test_what_nobody_foresaw_is_described_without_its_words() -> None:
    assert describe(RuntimeError(SECRET)) == (500, "something went wrong in the server")
    assert describe(CatalogError(SECRET)) == (500, "something went wrong in the server")


@pytest.mark.parametrize(
    "error",
    [
        IndexFolderError(SECRET), CatalogError(SECRET), SchemaError(SECRET), WeightsError(SECRET),
        PrecisionError(SECRET),
        WeightsUnavailableError(SECRET), BuildFailedError(SECRET), SettingsError(SECRET),
        HueweaveError(SECRET), RuntimeError(SECRET), OSError(28, SECRET), KeyError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_trouble_of_the_server_is_logged_and_not_told(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "api.problems"):
        answer = answer_to(error)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["type"] == "about:blank"
    assert SECRET not in answer.text
    assert SECRET in caplog.text


def test_headers_of_an_error_are_kept() -> None:
    answer = answer_to(HTTPException(503, "later", {"Retry-After": "3"}))
    assert answer.headers["retry-after"] == "3"
    wrong = answer_to(QueryError("x"), "DELETE")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
    assert wrong.json()["detail"] == "DELETE is not possible at '/boom'"


def test_status_whose_error_has_no_words_of_its_own_gets_some() -> None:
    assert "/docs lists what there is" in answer_to(HTTPException(404)).json()["detail"]
    assert answer_to(HTTPException(404, "no such item")).json()["detail"] == "no such item"


def test_declared_responses_are_problem_documents() -> None:
    found = declare(404, 422)
    assert list(found) == [404, 422]
    assert found[404]["description"] == "Not Found"
    assert list(found[422]["content"]) == [MEDIA_TYPE]
