"""Traces, metrics and structured logs of a server process.

Metrics are OpenTelemetry instruments (see `headrace_chassis.metrics`). Traces leave where the standard
variables of OpenTelemetry say (`OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_ENDPOINT`), and otherwise only
carry correlation ids. Logs are one JSON object a line with the correlation id of the call in progress.
"""

from __future__ import annotations

import contextvars
import datetime
import importlib.metadata
import json
import logging
import os
import sys
import traceback
from typing import TextIO

import orjson
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from headrace import errors
from headrace_chassis.metrics import metrics_text as metrics_text

correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("headrace_correlation_id", default="")
"""The correlation id of the call or tick in progress, "" outside of any."""

tracer = trace.get_tracer("headrace")

_EXPORTER_OF_NAME = {"otlp": "otlp_proto_grpc"}

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
    for name in list(logging.root.manager.loggerDict):
        if name == "headrace" or name.startswith("headrace_"):
            logging.getLogger(name).setLevel(level)
    logging.getLogger("headrace").setLevel(level)


def configure_tracing(service: str) -> None:
    """Send spans where the environment says, for the whole process; without a word there, send none.

    `OTEL_TRACES_EXPORTER` names exporters (`otlp`, `console`, or any that is installed; `none` for none). With
    `OTEL_EXPORTER_OTLP_ENDPOINT` alone it is `otlp`.

    Raises:
        errors.InvalidArgument: An exporter is not installed.
    """
    names = os.environ.get("OTEL_TRACES_EXPORTER", "otlp" if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ else "none")
    provider = TracerProvider(resource=Resource.create({"service.name": f"headrace-{service}"}))
    for name in (part.strip() for part in names.split(",")):
        if name in ("", "none"):
            continue
        found = importlib.metadata.entry_points(
            group="opentelemetry_traces_exporter", name=_EXPORTER_OF_NAME.get(name, name)
        )
        if not found:
            raise errors.InvalidArgument.of_field("OTEL_TRACES_EXPORTER", f"{name} is not installed")
        provider.add_span_processor(BatchSpanProcessor(next(iter(found)).load()()))
        trace.set_tracer_provider(provider)
