"""Logs: a line a record, as text or as JSON, with the id of the request it belongs to."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from api.tracing import REQUEST_ID

OURS = ("api", "service", "indexer", "models", "uvicorn")
# What would begin a new line, or an escape sequence of a terminal.
_ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


def configuration(format: str, level: str) -> dict[str, Any]:
    """Return what ``logging.config.dictConfig`` takes; ``format`` is ``text`` or ``json``.

    Others' loggers are heard from warnings on: libraries log addresses with all that is in them.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLine if format == "json" else TextLine}},
        "handlers": {"stderr": {"()": StandardError, "formatter": "line"}},
        "root": {"level": max(number, logging.WARNING), "handlers": ["stderr"]},
        "loggers": {name: {"level": number} for name in OURS},
    }


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is the standard error stream at the moment, not when it was made."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self.stream = sys.stderr
        super().emit(record)


class TextLine(logging.Formatter):
    """Time, level, logger and message, with the request's id; tracebacks on lines below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        request_id = REQUEST_ID.get()
        text = (
            f"{_time(record)} {record.levelname} {record.name}: "
            f"{record.getMessage().translate(_ESCAPES)}"
            f"{f' [{request_id}]' if request_id else ''}"
        )
        trace = _exception(self, record)
        return f"{text}\n{trace}" if trace else text


class JsonLine(logging.Formatter):
    """An object a line; fields without a value are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        found = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            **getattr(record, "fields", {}),
            "exception": _exception(self, record),
        }
        return json.dumps({name: one for name, one in found.items() if one is not None})


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    return formatter.formatException(record.exc_info) if record.exc_info else None
