"""Traces, metrics and structured logs of a server process.

Metrics are OpenTelemetry instruments (see `headrace_chassis.metrics`). Traces leave where the standard
variables of OpenTelemetry say (`OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_ENDPOINT`), and otherwise only
carry correlation ids. Logs are one JSON object a line with the correlation id of the call in progress.
"""

from __future__ import annotations

import importlib.metadata
import os

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from headrace import errors
from headrace_chassis.logs import configure_logging as configure_logging
from headrace_chassis.logs import correlation_id as correlation_id
from headrace_chassis.metrics import metrics_text as metrics_text

tracer = trace.get_tracer("headrace")

_is_tracing = False

_EXPORTER_OF_NAME = {"otlp": "otlp_proto_grpc"}


def configure_tracing(service: str) -> None:
    """Send spans where the environment says, for the whole process; without a word there, send none.

    `OTEL_TRACES_EXPORTER` names exporters (`otlp`, `console`, or any that is installed; `none` for none). With
    `OTEL_EXPORTER_OTLP_ENDPOINT` alone it is `otlp`.

    Raises:
        errors.InvalidArgument: An exporter is not installed.
    """
    global _is_tracing
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
        _is_tracing = True
    if _is_tracing:
        trace.set_tracer_provider(provider)


def is_tracing() -> bool:
    """Return whether spans go anywhere; if not, none need be made."""
    return _is_tracing
