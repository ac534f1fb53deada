"""Traces, metrics and structured logs of a server process.

Metrics are OpenTelemetry instruments (see `headrace_chassis.metrics`). Traces leave where the standard
variables of OpenTelemetry say (`OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_ENDPOINT`), and otherwise only
carry correlation ids. Logs are one JSON object a line with the correlation id of the call in progress.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from opentelemetry import trace

from headrace.rpc.exporting import exporter_names, make_provider
from headrace_chassis.logs import configure_logging as configure_logging
from headrace_chassis.logs import correlation_id as correlation_id
from headrace_chassis.metrics import metrics_text as metrics_text

tracer = trace.get_tracer("headrace")

_is_tracing = False


def configure_tracing(service: str) -> None:
    """Send spans where the environment says (see `exporter_names`), for the whole process; without a word, send none.

    Raises:
        errors.InvalidArgument: An exporter is not installed.
    """
    global _is_tracing
    if exporter_names():
        trace.set_tracer_provider(make_provider(f"headrace-{service}"))
        _is_tracing = True


def is_tracing() -> bool:
    """Return whether spans go anywhere; if not, none need be made."""
    return _is_tracing


def span_follower() -> Callable[[], contextlib.AbstractContextManager[object]]:
    """Return what makes the span of the call in progress the current one again, for a block in another task."""
    if not _is_tracing:
        return contextlib.nullcontext
    span = trace.get_current_span()
    return functools.partial(trace.use_span, span, record_exception=False, set_status_on_exception=False)
