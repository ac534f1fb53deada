"""Where spans go: as the standard variables of OpenTelemetry say, in flow processes and in services alike."""

from __future__ import annotations

import importlib.metadata
import os

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from headrace import errors

_EXPORTER_OF_NAME = {"otlp": "otlp_proto_grpc"}


def exporter_names() -> list[str]:
    """Return the exporters that `OTEL_TRACES_EXPORTER` names (`otlp`, `console`, or any that is installed).

    With `OTEL_EXPORTER_OTLP_ENDPOINT` alone it is `otlp`; `none`, or no word at all, is none.
    """
    asks = any(os.environ.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", "TRACES_ENDPOINT"))
    names = os.environ.get("OTEL_TRACES_EXPORTER", "otlp" if asks else "none")
    return [name for name in (part.strip() for part in names.split(",")) if name not in ("", "none")]


def make_provider(service: str) -> TracerProvider:
    """Return a provider whose spans go where the environment says.

    Args:
        service: `service.name` of the spans, unless `OTEL_SERVICE_NAME` says otherwise.

    Raises:
        errors.InvalidArgument: An exporter is not installed.
    """
    own = Resource({"service.name": service})
    provider = TracerProvider(resource=Resource.create().merge(own).merge(OTELResourceDetector().detect()))
    for name in exporter_names():
        found = importlib.metadata.entry_points(
            group="opentelemetry_traces_exporter", name=_EXPORTER_OF_NAME.get(name, name)
        )
        if not found:
            raise errors.InvalidArgument.of_field("OTEL_TRACES_EXPORTER", f"{name} is not installed")
        provider.add_span_processor(BatchSpanProcessor(next(iter(found)).load()()))
    return provider
