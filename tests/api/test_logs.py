"""Logs: a line a record, with the id of its request and without secrets."""

import io
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.logs import configuration
from api.tracing import REQUEST_ID
from service.opening import Opened
from service.settings import Settings
from tests.serving import serving

NAMES = ("api", "service", "indexer", "models", "uvicorn")


@contextmanager
def logging_to(
    monkeypatch: pytest.MonkeyPatch, format: str, level: str = "info"
) -> Iterator[io.StringIO]:
    """Yield what is logged while the body runs, with logging set up as a server does it."""
    root, said = logging.getLogger(), io.StringIO()
    loggers = [root, *map(logging.getLogger, NAMES)]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    monkeypatch.setattr(sys, "stderr", said)
    logging.config.dictConfig(configuration(format, level))
    try:
        yield said
    finally:
        for one, number, handlers in before:
            one.setLevel(number)
            one.handlers = handlers


def objects(said: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_json_line_has_time_level_logger_message_and_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with logging_to(monkeypatch, "json") as said:
        try:
            raise ZeroDivisionError("mine\nand yours")
        except ZeroDivisionError:
            logging.getLogger("api.x").exception("it %s\n", "broke")
    (found,) = objects(said)
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert "ZeroDivisionError: mine" in found.pop("exception")
    assert found == {"level": "error", "logger": "api.x", "message": "it broke\n"}


def test_text_line_stays_one_line_whatever_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_to(monkeypatch, "text") as said:
        REQUEST_ID.set("abc")
        logging.getLogger("service.x").info("%s", "a\nb\x1b[31m\u2028c ä")
        REQUEST_ID.set(None)
    (line,) = said.getvalue().splitlines()
    assert line.endswith(r"INFO service.x: a\nb\x1b[31m\u2028c ä [abc]")


@pytest.mark.parametrize(
    ("level", "logger", "heard"),
    [
        ("info", "httpx", "warning"),
        ("debug", "httpx", "warning"),
        ("error", "httpx", "error"),
        ("info", "api.x", "info"),
        ("debug", "indexer.x", "debug"),
        ("error", "uvicorn.error", "error"),
    ],
)
def test_others_are_heard_from_warnings_on_and_ours_from_the_level_set(
    monkeypatch: pytest.MonkeyPatch, level: str, logger: str, heard: str
) -> None:
    levels = ["debug", "info", "warning", "error"]
    with logging_to(monkeypatch, "json", level) as said:
        for one in levels:
            getattr(logging.getLogger(logger), one)("x")
    assert [line["level"] for line in objects(said)] == levels[levels.index(heard) :]


def test_request_is_one_line_with_its_route_and_id_and_without_its_query(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logging_to(monkeypatch, "json") as said, serving(opened, settings) as client:
        headers = {"x-request-id": "mine-1", "authorization": "Bearer hw_secret"}
        answer = client.get("/v1/images/000.png?signature=secret", headers=headers)
        client.get("/v1/items/no%0Asuch")
        client.get("/healthz")
    assert answer.headers["x-request-id"] == "mine-1"
    found = [line for line in objects(said) if line["logger"] == "api.access"]
    assert [(line["route"], line["status"]) for line in found] == [
        ("/v1/images/{key}", 200),
        ("/v1/items/{key}", 404),
    ]
    assert (found[0]["request_id"], found[0]["method"]) == ("mine-1", "GET")
    assert found[0]["ms"] > 0
    assert found[1]["path"] == "/v1/items/no%0Asuch"
    assert "secret" not in said.getvalue()


def test_failure_in_a_thread_is_logged_under_the_id_that_the_client_is_told(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        logging.getLogger("service.x").warning("about to break")
        raise RuntimeError("mine")

    monkeypatch.setattr(opened.searcher, "answer", broken)
    query = {"terms": [{"attribute": "color", "image": {"key": "000.png"}}]}
    with logging_to(monkeypatch, "json") as said, serving(opened, settings) as client:
        answer = client.post("/v1/search", json=query)
    assert answer.status_code == 500
    request_id = answer.json()["request_id"]
    assert answer.headers["x-request-id"] == request_id
    found = {line["logger"]: line for line in objects(said) if "request_id" in line}
    assert {line["request_id"] for line in found.values()} == {request_id}
    assert set(found) == {"service.x", "api.problems", "api.access"}
    assert "RuntimeError: mine" in found["api.problems"]["exception"]


def test_every_answer_has_an_id(still_client: httpx.Client) -> None:
    for path in ("/v1/index", "/v1/nothing", "/healthz", "/docs", "/metrics"):
        assert len(still_client.get(path).headers["x-request-id"]) == 16
    problem = still_client.get("/v1/nothing")
    assert problem.json()["request_id"] == problem.headers["x-request-id"]
    large, kind = bytes(2_000_000), {"content-type": "application/json"}
    refused = still_client.post("/v1/search", content=large, headers=kind)
    assert refused.status_code == 413
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
