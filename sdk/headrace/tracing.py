"""Traces of flows, tasks and calls by OpenTelemetry, for those who ask for them.

They are asked for by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_EXPORTER`), or by a
program that has set a tracer provider itself. Otherwise nothing of OpenTelemetry is loaded. What user code adds,
`opentelemetry.trace.get_tracer(__name__).start_as_current_span(...)`, stands within the span of its task or flow.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from headrace.extras import MissingExtra, require

if TYPE_CHECKING:
    from headrace.api.v1.worker_pb2 import Assignment
    from headrace.engine.runs import FlowRun, TaskRun

logger = logging.getLogger("headrace.tracing")

Headers = tuple[tuple[str, str], ...]

FLUSH_SECONDS = 5.0
"""How long a process that ends waits for its spans to be taken."""

VARIABLE = "TRACEPARENT"
"""The variable with the span that a process was started in, as W3C writes it."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SDK = "opentelemetry.sdk.trace"
_SPANS = "headrace.spans"


class OpenSpan(Protocol):
    """A span that is left and entered again, as the code of a generator is."""

    def within(self) -> contextlib.AbstractContextManager[None]:
        """Return what makes it the current span for a block."""

    def end(self, error: BaseException | None = None) -> None:
        """End it, with what went wrong."""


class Spans(Protocol):
    """Makes spans."""

    def flow_run(self, run: FlowRun) -> contextlib.AbstractContextManager[None]:
        """Return the span of a flow run, from its creation to its end."""

    def open_flow_run(self, run: FlowRun) -> OpenSpan:
        """Return the span of a flow run that is a generator."""

    def around(self, run: TaskRun, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a task with a span around each of its tries."""

    def open_task_run(self, run: TaskRun) -> OpenSpan:
        """Return the span of one try of a task that is a generator."""

    def assignment(self, assignment: Assignment) -> contextlib.AbstractContextManager[Headers]:
        """Return the span of what a worker does for a run, which lends the headers that tell its process of it."""

    def call(self, path: str) -> contextlib.AbstractContextManager[Headers]:
        """Return the span of a call, which lends the headers that tell the server of it."""

    def headers(self) -> Headers:
        """Return the headers that tell the server which span goes on, empty if none does."""

    def flush(self, seconds: float) -> None:
        """Wait until all spans have been taken, for a limited time."""


_found: Spans | None = None
_service = "headrace-flow"
_said_missing = False
_lock = threading.Lock()


def is_asked_for() -> bool:
    """Return whether somebody wants traces of this process."""
    environ = os.environ
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER")
    if exporters is not None:
        return exporters not in ("", "none")
    return any(environ.get(name) for name in _ENDPOINTS) or _has_provider()


def spans() -> Spans | None:
    """Return what makes spans, None where nobody asks for them."""
    if _found is not None:
        return _found
    return _load() if is_asked_for() else None


def name_process(service: str) -> None:
    """Say what this process is, the `service.name` of its spans unless `OTEL_SERVICE_NAME` says otherwise."""
    global _service
    _service = service


def flow_run_span(run: FlowRun) -> contextlib.AbstractContextManager[None]:
    """Return the span of a flow run for a block; nothing where nobody asks for traces."""
    run.spans = spans()
    return run.spans.flow_run(run) if run.spans is not None else contextlib.nullcontext()


@contextlib.contextmanager
def open_flow_run_span(run: FlowRun) -> Iterator[OpenSpan | None]:
    """Have a span of a flow run that is a generator, to be entered by its own code; None where nobody asks for it."""
    run.spans = spans()
    with _until_end(run.spans.open_flow_run(run) if run.spans is not None else None) as span:
        yield span


@contextlib.contextmanager
def open_task_run_span(run: TaskRun) -> Iterator[OpenSpan | None]:
    """Have a span of one try of a task that is a generator, as `open_flow_run_span`."""
    with _until_end(run.host.spans.open_task_run(run) if run.host.spans is not None else None) as span:
        yield span


@contextlib.contextmanager
def _until_end(span: OpenSpan | None) -> Iterator[OpenSpan | None]:
    error: BaseException | None = None
    try:
        yield span
    except BaseException as raised:
        error = raised
        raise
    finally:
        if span is not None:
            span.end(error)


def within(span: OpenSpan | None) -> contextlib.AbstractContextManager[None]:
    """Return what makes a span the current one for a block; nothing where there is none."""
    return span.within() if span is not None else contextlib.nullcontext()


@contextlib.contextmanager
def assignment_span(assignment: Assignment) -> Iterator[str]:
    """Have a span for what a worker does for a run; lends what `TRACEPARENT` has to be in the run's process.

    Where this worker makes no spans that is what its server says.
    """
    makes = spans()
    if makes is None:
        yield assignment.traceparent
        return
    with makes.assignment(assignment) as headers:
        yield dict(headers).get("traceparent", assignment.traceparent)


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait until all spans of the process have been taken, for a limited time."""
    if _found is not None:
        _found.flush(seconds)


def _load() -> Spans | None:
    global _found, _said_missing
    with _lock:
        if _found is None and not _said_missing:
            try:
                # Not imported: it loads OpenTelemetry.
                _found = require(_SPANS, "otel", "Tracing").make(_service)
            except MissingExtra as error:
                _said_missing = True
                logger.warning("There will be no traces: %s", error)
        return _found


def _has_provider() -> bool:
    """Return whether the program has set a provider that makes real spans."""
    sdk = sys.modules.get(_SDK)
    api = sys.modules.get("opentelemetry.trace")
    return sdk is not None and api is not None and isinstance(api.get_tracer_provider(), sdk.TracerProvider)


def _forget_after_fork() -> None:
    global _found, _lock
    # The child has no thread that sends.
    _found = None
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
