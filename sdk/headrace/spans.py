"""Spans of flows, tasks and calls; loaded by `headrace.tracing` where traces are asked for."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace import __version__
from headrace.rpc.exporting import make_provider
from headrace.tracing import VARIABLE, Headers

if TYPE_CHECKING:
    from headrace.api.v1.worker_pb2 import Assignment
    from headrace.engine.runs import FlowRun, TaskRun

_propagator = TraceContextTextMapPropagator()


def make(service: str) -> OpenTelemetrySpans:
    """Return what makes spans: with the provider that the program has set, else with one of the standard variables.

    Args:
        service: What this process is, unless `OTEL_SERVICE_NAME` says otherwise.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = make_provider(service)
        trace.set_tracer_provider(provider)
    return OpenTelemetrySpans(provider)


class _Open:
    """A span that is left and entered again.

    Args:
        span: The span.
        finish: Says what is known of it at its end.
    """

    def __init__(self, span: trace.Span, finish: Callable[[trace.Span], None] = lambda _span: None) -> None:
        self._span = span
        self._finish = finish

    @contextlib.contextmanager
    def within(self) -> Iterator[None]:
        """Be the current span for the block."""
        token = contexts.attach(trace.set_span_in_context(self._span))
        try:
            yield
        finally:
            contexts.detach(token)

    def end(self, error: BaseException | None = None) -> None:
        """End it."""
        if isinstance(error, Exception):
            self._span.record_exception(error)
            self._span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
        self._finish(self._span)
        self._span.end()


class OpenTelemetrySpans:
    """Makes spans with a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("headrace", __version__)
        self._first: Headers = ()

    @contextlib.contextmanager
    def flow_run(self, run: FlowRun) -> Iterator[None]:
        """Have a span for a flow run, from its creation to its end."""
        opened = self.open_flow_run(run)
        error: BaseException | None = None
        try:
            with opened.within():
                yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            opened.end(error)

    def open_flow_run(self, run: FlowRun) -> _Open:
        """Return the span of a flow run: below the current one, else below that which the process was started in."""
        attributes = {"headrace.flow_run.id": run.id, "headrace.flow.name": run.flow_name}
        span = self._tracer.start_span(f"flow {run.flow_name}", context=_around(), attributes=attributes)
        headers = _headers(trace.set_span_in_context(span))
        # Streams of logs serve all runs of the process; they belong to the first.
        self._first = self._first or headers
        run.attempt.traceparent = dict(headers).get("traceparent", "")

        def finish(span: trace.Span) -> None:
            span.set_attribute("headrace.flow_run.name", run.name)
            span.set_attribute("headrace.flow_run.count", run.run_count)
            span.set_attribute("headrace.state", run.state.name)
            if run.state.is_failed() or run.state.is_crashed():
                span.set_status(trace.StatusCode.ERROR, run.state.message)

        return _Open(span, finish)

    def around(self, run: TaskRun, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a task with a span around each of its tries."""
        if inspect.isasyncgenfunction(function):
            return self._around_items(run, function)
        name, attributes = _of_task(run)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def on_loop(*args: Any, **kwargs: Any) -> Any:
                with self._tracer.start_as_current_span(name, attributes=attributes):
                    return await function(*args, **kwargs)

            return on_loop

        @functools.wraps(function)
        def here(*args: Any, **kwargs: Any) -> Any:
            with self._tracer.start_as_current_span(name, attributes=attributes):
                value = function(*args, **kwargs)
                # Its code runs when it is asked for its items, which whoever calls this would do next.
                return list(value) if type(value) is GeneratorType else value

        return here

    def _around_items(
        self, run: TaskRun, function: Callable[..., AsyncGenerator[Any, Any]]
    ) -> Callable[..., AsyncGenerator[Any, Any]]:
        @functools.wraps(function)
        async def items(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            opened = self.open_task_run(run)
            source = function(*args, **kwargs)
            error: BaseException | None = None
            try:
                while True:
                    with opened.within():
                        try:
                            item = await anext(source)
                        except StopAsyncIteration:
                            return
                    yield item
            except BaseException as raised:
                error = raised
                raise
            finally:
                opened.end(error)

        return items

    def open_task_run(self, run: TaskRun) -> _Open:
        """Return the span of one try of a task."""
        name, attributes = _of_task(run)
        return _Open(self._tracer.start_span(name, attributes=attributes))

    @contextlib.contextmanager
    def assignment(self, assignment: Assignment) -> Iterator[Headers]:
        """Have a span for what a worker does for a run; lends the headers that tell the run's process of it."""
        run = assignment.flow_run
        attributes: dict[str, str | int] = {
            "headrace.flow_run.id": run.flow_run_id,
            "headrace.attempt": assignment.attempt.number,
        }
        # What else the worker is in the middle of belongs to no run.
        parent = _propagator.extract({"traceparent": assignment.traceparent}, context=contexts.Context())
        with self._tracer.start_as_current_span(
            f"worker {run.flow_name}", context=parent, kind=trace.SpanKind.CONSUMER, attributes=attributes
        ):
            yield _headers()

    @contextlib.contextmanager
    def call(self, path: str) -> Iterator[Headers]:
        """Have a span for a call; lends the headers that tell the server of it."""
        service, _, method = path[1:].partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        with self._tracer.start_as_current_span(
            path[1:], context=_around(), kind=trace.SpanKind.CLIENT, attributes=attributes
        ):
            yield self.headers()

    def headers(self) -> Headers:
        """Return the headers that tell the server which span goes on: the current one, else that of the first run."""
        return _headers(_around()) or self._first

    def flush(self, seconds: float) -> None:
        """Wait until all spans have been taken, for a limited time."""
        self._provider.force_flush(round(seconds * 1000))


def _headers(context: contexts.Context | None = None) -> Headers:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=context)
    return tuple(carrier.items())


def _around() -> contexts.Context | None:
    """Return what something stands in that begins here; None is the current span."""
    if trace.get_current_span().get_span_context().is_valid or not (given := os.environ.get(VARIABLE)):
        return None
    return _propagator.extract({"traceparent": given})


def _of_task(run: TaskRun) -> tuple[str, dict[str, str]]:
    attributes = {"headrace.task_run.id": run.task_run_id, "headrace.task.key": run.facts.task_key}
    if run.host.id:
        attributes["headrace.flow_run.id"] = run.host.id
    return f"task {run.definition.name}", attributes
