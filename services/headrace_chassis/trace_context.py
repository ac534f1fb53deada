"""Trace contexts that outlive a call: kept with what it starts, so that what comes of it belongs to the same trace."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace_chassis import telemetry
from headrace_chassis.calls import current_call

LABEL = "__OTEL_TRACEPARENT"
"""The label of a flow run with the trace context of what started it. Prefect's clients write and read the same."""

_HEADER = "traceparent"
_W3C = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_propagator = TraceContextTextMapPropagator()


def of_call() -> str:
    """Return the trace context of the call in progress, as W3C writes it: its span, else what its client sent."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    if carrier:
        return carrier[_HEADER]
    try:
        given = current_call().metadata.get(_HEADER)
    except LookupError:
        return ""
    return given if isinstance(given, str) and _W3C.fullmatch(given) else ""


def begun(parent: str, name: str) -> trace.Span | None:
    """Return a span that goes on elsewhere, below a context that came with a message; None where there is none.

    Whoever gets it ends it.
    """
    if not telemetry.is_tracing() or not _W3C.fullmatch(parent):
        return None
    above = _propagator.extract({_HEADER: parent}, context=Context())
    return telemetry.tracer.start_span(name, context=above, kind=trace.SpanKind.SERVER)


@contextlib.contextmanager
def within(span: trace.Span | None) -> Iterator[None]:
    """Make a span the current one for a block; nothing where there is none."""
    if span is None:
        yield
        return
    with trace.use_span(span):
        yield


@contextlib.contextmanager
def doing(name: str) -> Iterator[None]:
    """Have a span around what a loop does in a block, and below it the calls that it makes; calls have one already."""
    if not telemetry.is_tracing() or trace.get_current_span().get_span_context().is_valid:
        yield
        return
    with telemetry.tracer.start_as_current_span(name):
        yield


def noted(parent: object, name: str, attributes: Mapping[str, str], *, links_here: bool = False) -> str:
    """Make a span of a moment, and return its context, for what comes of it.

    Args:
        parent: The context of what led to it; anything but one begins a trace of its own.
        name: Its name.
        attributes: What is known of it.
        links_here: Whether it names the span of what is being done now, which belongs to another trace.

    Returns:
        The context of the span; `parent` where spans go nowhere.
    """
    above = parent if isinstance(parent, str) and _W3C.fullmatch(parent) else ""
    if not telemetry.is_tracing():
        return above
    here = trace.get_current_span().get_span_context()
    span = telemetry.tracer.start_span(
        name,
        context=_propagator.extract({_HEADER: above}, context=Context()),
        kind=trace.SpanKind.PRODUCER,
        attributes=dict(attributes),
        links=[trace.Link(here)] if links_here and here.is_valid else None,
    )
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=trace.set_span_in_context(span, Context()))
    span.end()
    return carrier.get(_HEADER, "")
