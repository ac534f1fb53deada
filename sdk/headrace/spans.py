"""Spans of flows, tasks and calls; loaded by `headrace.tracing` where traces are asked for."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace import __version__
from headrace.rpc.exporting import make_provider
from headrace.tracing import Headers

if TYPE_CHECKING:
    from headrace.engine.runs import FlowRun, TaskRun

SERVICE = "headrace-flow"
"""`service.name` of the spans, unless `OTEL_SERVICE_NAME` says otherwise."""

_propagator = TraceContextTextMapPropagator()


def make() -> OpenTelemetrySpans:
    """Return what makes spans: with the provider that the program has set, else with one of the standard variables."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = make_provider(SERVICE)
        trace.set_tracer_provider(provider)
    return OpenTelemetrySpans(provider)


class OpenTelemetrySpans:
    """Makes spans with a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("headrace", __version__)
        self._first: Headers = ()

    @contextlib.contextmanager
    def flow_run(self, run: FlowRun) -> Iterator[None]:
        """Have a span for a flow run, from its creation to its end."""
        attributes = {"headrace.flow_run.id": run.id, "headrace.flow.name": run.flow_name}
        with self._tracer.start_as_current_span(f"flow {run.flow_name}", attributes=attributes) as span:
            # The streams of a process serve all of its runs; they belong to the first.
            self._first = self._first or self.headers()
            try:
                yield
            finally:
                span.set_attribute("headrace.flow_run.name", run.name)
                span.set_attribute("headrace.flow_run.count", run.run_count)
                span.set_attribute("headrace.state", run.state.name)
                if run.state.is_failed() or run.state.is_crashed():
                    span.set_status(trace.StatusCode.ERROR, run.state.message)

    def around(self, run: TaskRun, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a task with a span around each of its tries."""
        name = f"task {run.definition.name}"
        attributes = {"headrace.task_run.id": run.task_run_id, "headrace.task.key": run.facts.task_key}
        if run.host.id:
            attributes["headrace.flow_run.id"] = run.host.id
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def on_loop(*args: Any, **kwargs: Any) -> Any:
                with self._tracer.start_as_current_span(name, attributes=attributes):
                    return await function(*args, **kwargs)

            return on_loop

        @functools.wraps(function)
        def here(*args: Any, **kwargs: Any) -> Any:
            with self._tracer.start_as_current_span(name, attributes=attributes):
                return function(*args, **kwargs)

        return here

    @contextlib.contextmanager
    def call(self, path: str) -> Iterator[Headers]:
        """Have a span for a call; lends the headers that tell the server of it."""
        service, _, method = path[1:].partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        with self._tracer.start_as_current_span(path[1:], kind=trace.SpanKind.CLIENT, attributes=attributes):
            yield self.headers()

    def headers(self) -> Headers:
        """Return the headers that tell the server which span goes on: the current one, else that of the first run."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return tuple(carrier.items()) or self._first

    def flush(self, seconds: float) -> None:
        """Wait until all spans have been taken, for a limited time."""
        self._provider.force_flush(round(seconds * 1000))
