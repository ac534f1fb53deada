"""Structured logs of a server process, with the correlation id of the call in progress."""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
import sys
import traceback
from typing import TextIO

import orjson

correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("headrace_correlation_id", default="")
"""The correlation id of the call or tick in progress, "" outside of any."""

_PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, correlation id, extras, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        line: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := correlation_id.get():
            line["correlation_id"] = identifier
        line.update({key: value for key, value in vars(record).items() if key not in _PLAIN_ATTRIBUTES})
        if record.exc_info:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        try:
            return orjson.dumps(line, default=str).decode()
        except orjson.JSONEncodeError:
            # Lone surrogates and integers beyond 64 bits: slower, but nothing that is logged gets lost.
            return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Writes a record as one line for people, and an exception below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")


def configure_logging(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (standard error by default).

    To a terminal go lines for people, to everything else JSON lines.

    Args:
        level: The least level of Headrace's own records; other libraries log from WARNING up.
        stream: Where to.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(TextFormatter() if target.isatty() else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # It tells of each connection that it cannot keep while Postgres is away; whoever needs one says so anyway.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
    for name in list(logging.root.manager.loggerDict):
        if name == "headrace" or name.startswith("headrace_"):
            logging.getLogger(name).setLevel(level)
    logging.getLogger("headrace").setLevel(level)
