"""A flow is one trace: from the call of its function over calls to the server down to the statement that stores it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import pathlib
import re
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from headrace_harness.machine import Machine, only
from headrace_harness.servers import EmbeddedServer, embedded_server, eventually

SCRIPT = """
from opentelemetry import trace

from headrace import flow, task


@task
def grind(number: int) -> int:
    with trace.get_tracer("mine").start_as_current_span("my own"):
        return number + 1


@task
async def sift(number: int) -> int:
    return number * 2


@flow
def mill() -> int:
    return grind(1) + sift.submit(3).result()


@task
def grains(count: int):
    for number in range(count):
        with trace.get_tracer("mine").start_as_current_span(f"grain {number}"):
            yield number


@flow
def pour():
    for number in grains(2):
        yield number


if __name__ == "__main__":
    print(mill(), list(pour()))
"""

TRIGGER = "4bf92f3577b34da6a3ce929d0e0e4736"
"""The trace of whatever starts a run."""


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A span that a collector was sent."""

    service: str
    facts: trace_pb2.Span

    @property
    def name(self) -> str:
        return self.facts.name

    def attribute(self, name: str) -> str:
        found = [one.value.string_value for one in self.facts.attributes if one.key == name]
        return found[0] if found else ""


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    async def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: Any) -> Any:
        for resource in request.resource_spans:
            (service,) = [one.value.string_value for one in resource.resource.attributes if one.key == "service.name"]
            self.spans += [Span(service, span) for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def below(self, span: Span) -> list[Span]:
        return [each for each in self.spans if each.facts.parent_span_id == span.facts.span_id]


@contextlib.asynccontextmanager
async def a_collector() -> AsyncIterator[tuple[Collector, dict[str, str]]]:
    """Lend a collector, and the variables that send spans to it."""
    collector, server = Collector(), grpc.aio.server()
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield (
            collector,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "100"},
        )
    finally:
        await server.stop(None)


@pytest.fixture
async def traced(tmp_path: pathlib.Path) -> AsyncIterator[tuple[Collector, Machine, EmbeddedServer]]:
    """A server and a machine that send their spans to a collector."""
    folder = tmp_path / "machine"
    folder.mkdir()
    async with a_collector() as (collector, variables), embedded_server(tmp_path / "server", **variables) as server:
        machine = Machine(folder, server.stack.http_url, variables)
        try:
            yield collector, machine, server
        finally:
            await machine.close()


async def test_a_flow_is_one_trace_down_to_the_statement(traced: tuple[Collector, Machine, EmbeddedServer]) -> None:
    collector, machine, server = traced
    (machine.folder / "mill.py").write_text(SCRIPT)
    assert (await machine.python("mill.py")).out.strip() == "8 [0, 1]"
    # A process sends its spans before it ends; the server sends its own now and then.
    flow_span = only(collector.named("flow mill"))
    assert flow_span.service == "headrace-flow"
    assert flow_span.attribute("headrace.state") == "Completed"
    below = {span.name: span for span in collector.below(flow_span)}
    assert [span.name for span in collector.below(below["task grind"])] == ["my own"]
    assert "task sift" in below
    called = below["headrace.api.v1.FlowRunService/CreateFlowRun"]

    def inserts() -> Iterator[Span]:
        for handled in collector.below(called):
            for statement in collector.below(handled):
                if "insert into flow_run" in statement.attribute("db.query.text"):
                    yield statement

    async def is_there() -> bool:
        return bool(list(inserts()))

    await eventually(is_there)
    statement = next(inserts())
    assert statement.service == "headrace-server"
    assert statement.facts.trace_id == flow_span.facts.trace_id
    # Generators have spans around their own code.
    poured = only(collector.named("flow pour"))
    assert poured.attribute("headrace.state") == "Completed"
    (grains,) = [span for span in collector.below(poured) if span.name == "task grains"]
    assert {span.name for span in collector.below(grains)} == {"grain 0", "grain 1"}
    # The call is the example of others that took as long.
    shown = await server.stack.http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert shown.headers["content-type"].startswith("application/openmetrics-text")
    assert shown.text.endswith("# EOF\n")
    examples = re.findall(r'CreateFlowRun.*# \{trace_id="([0-9a-f]{32})"\}', shown.text)
    # The last one of its bucket.
    assert set(examples) & {flow_span.facts.trace_id.hex(), poured.facts.trace_id.hex()}
    plain = await server.stack.http.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert "trace_id" not in plain.text


async def test_a_run_belongs_to_the_trace_of_what_triggered_it(
    traced: tuple[Collector, Machine, EmbeddedServer],
) -> None:
    collector, machine, _ = traced
    (machine.folder / "mill.py").write_text(SCRIPT)
    deploy = 'from mill import mill; mill.deploy("test", "traced")'
    await machine.headrace("work-pool", "create", "traced")
    await machine.python("-c", deploy)
    worker = await machine.start_worker("traced")
    started = f"00-{TRIGGER}-00f067aa0ba902b7-01"
    await machine.headrace("deployment", "run", "mill/test", "--watch", TRACEPARENT=started)
    # What is left of its spans a process sends at its end.
    assert await worker.stop() == 0

    def mine() -> dict[tuple[str, str], Span]:
        found = [span for span in collector.spans if span.facts.trace_id.hex() == TRIGGER]
        return {(span.service, span.name): span for span in found}

    def stores(table: str) -> bool:
        return any(f"insert into {table}" in span.attribute("db.query.text") for span in mine().values())

    async def is_told() -> bool:
        return stores("task_run") and stores("flow_run")

    await eventually(is_told, 30)
    spans = mine()
    way = (
        ("headrace-server", "headrace.api.v1.DeploymentService/RunDeployment"),
        ("headrace-server", "dispatch mill"),
        ("headrace-worker", "worker mill"),
        ("headrace-flow", "flow mill"),
        ("headrace-flow", "task grind"),
    )
    for above, below in itertools.pairwise(way):
        assert spans[below].facts.parent_span_id == spans[above].facts.span_id, (above, below)


async def test_a_run_of_a_schedule_begins_its_trace_where_it_is_made(
    traced: tuple[Collector, Machine, EmbeddedServer],
) -> None:
    collector, machine, _ = traced
    (machine.folder / "mill.py").write_text(SCRIPT)
    await machine.headrace("work-pool", "create", "traced")
    await machine.python("-c", 'from mill import mill; mill.deploy("test", "traced", interval=1)')
    worker = await machine.start_worker("traced")

    def way(span: Span) -> list[str]:
        (below, *_) = [each for each in collector.below(span) if each.name.endswith(" mill")] or (None,)
        return [span.name, *(way(below) if below is not None else [])]

    async def is_told() -> bool:
        expected = ["schedule mill", "dispatch mill", "worker mill", "flow mill"]
        return any(way(span) == expected for span in collector.named("schedule mill"))

    await eventually(is_told, 60)
    assert await worker.stop() == 0
    for made in collector.named("schedule mill"):
        assert not made.facts.parent_span_id
        # It is of a trace of its own, and tells which look at schedules it comes of.
        (link,) = made.facts.links
        assert link.trace_id != made.facts.trace_id

    def stored() -> bool:
        looks = {span.facts.span_id: span for span in collector.named("create scheduled runs")}
        (link, *_) = collector.named("schedule mill")[0].facts.links
        calls = collector.below(looks[link.span_id]) if link.span_id in looks else []
        handled = [span for call in calls for span in collector.below(call)] + calls
        return any("insert into flow_run" in span.attribute("db.query.text") for span in handled)

    async def is_stored() -> bool:
        return stored()

    await eventually(is_stored, 30)


async def test_without_a_word_nothing_of_it_is_loaded(tmp_path: pathlib.Path) -> None:
    machine = Machine(tmp_path)
    code = (
        "import sys; from headrace import flow; from headrace.testing import local_runs\n"
        "with local_runs(): flow(lambda: 1, name='one')()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = await machine.run(sys.executable, "-c", code)
    assert done.out.strip() == "[]"
