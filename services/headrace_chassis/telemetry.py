"""Traces, metrics and structured logs of a server process.

Metrics are OpenTelemetry instruments, shown as Prometheus text by `metrics_text`. Traces leave over OTLP
if `OTEL_EXPORTER_OTLP_ENDPOINT` is set, else they only carry correlation ids. Logs are one JSON object a
line with the correlation id of the call in progress.
"""

from __future__ import annotations

import contextvars
import datetime
import logging
import sys
import traceback
from typing import TextIO

import orjson
from opentelemetry import metrics, trace

correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("headrace_correlation_id", default="")
"""The correlation id of the call or tick in progress, "" outside of any."""

tracer = trace.get_tracer("headrace")
meter = metrics.get_meter("headrace")

rpc_seconds = meter.create_histogram(
    "headrace.rpc.duration", unit="s", description="Duration of calls that the server handled"
)
rpc_active = meter.create_up_down_counter("headrace.rpc.active", description="Calls in progress")
loop_ticks = meter.create_counter("headrace.loop.ticks", description="Ticks of background loops")

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
        return orjson.dumps(line, default=str).decode()


def configure_logging(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (standard error by default) as JSON lines.

    Args:
        level: The least level of Headrace's own records; other libraries log from WARNING up.
        stream: Where to.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        if name == "headrace" or name.startswith("headrace_"):
            logging.getLogger(name).setLevel(level)
    logging.getLogger("headrace").setLevel(level)
