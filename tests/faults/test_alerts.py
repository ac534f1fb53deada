"""Alerts and dashboards before a real Prometheus: what they watch is broken for real, and they say so."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import uuid
from collections.abc import AsyncIterator

import asyncpg
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    automation_pb2,
    automation_pb2_grpc,
    concurrency_pb2,
    concurrency_pb2_grpc,
    variable_pb2,
    variable_pb2_grpc,
)
from headrace.ids import uuid7
from headrace_harness.builders import a_run
from headrace_harness.machine import Machine, Program
from headrace_harness.prometheus import MISSING, RunningPrometheus, a_prometheus, alerts, dashboards
from headrace_harness.servers import EmbeddedServer, embedded_server, eventually
from headrace_harness.stack import Stack
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

DEPLOYED = pathlib.Path(__file__).parents[1] / "e2e" / "flows" / "deployed.py"
PATIENCE_SECONDS = 120.0


class Site:
    """A server that a Prometheus scrapes, with a pool, a worker and a deployment in it."""

    def __init__(self, server: EmbeddedServer, prometheus: RunningPrometheus, machine: Machine, worker: Program):
        self.server = server
        self.prometheus = prometheus
        self.machine = machine
        self.worker = worker
        self.fired: set[str] = set()

    @property
    def stack(self) -> Stack:
        return self.server.stack

    async def fires(self, *names: str) -> None:
        """Return once all of these alerts have fired, now or before."""

        async def have_fired() -> bool:
            self.fired |= await self.prometheus.firing()
            return self.fired >= set(names)

        with contextlib.suppress(TimeoutError):
            await eventually(have_fired, PATIENCE_SECONDS)
        assert self.fired >= set(names)


@pytest.fixture
async def site(tmp_path: pathlib.Path) -> AsyncIterator[Site]:
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server(tmp_path / "server", "--database", "embedded"))
        target = server.stack.http_url.removeprefix("http://")
        prometheus = await stack.enter_async_context(a_prometheus(tmp_path / "prometheus", {"server": target}))
        machine = Machine(tmp_path, server.stack.http_url)
        stack.push_async_callback(machine.close)
        machine.take(DEPLOYED)
        await machine.headrace("work-pool", "create", pool)
        worker = machine.start_worker_now(pool)
        await machine.python("deployed.py", pool)
        await worker.until_said("takes up to")
        yield Site(server, prometheus, machine, worker)


async def fail_a_delivery(stack: Stack) -> None:
    """Let an automation call an address that no automation may call."""
    stub = stack.stub(automation_pb2_grpc.AutomationServiceStub)
    await stub.CreateAutomation(
        automation_pb2.CreateAutomationRequest(
            automation=automation_pb2.Automation(
                name="call what must not be called",
                enabled=True,
                trigger=automation_pb2.Trigger(
                    event=automation_pb2.EventTrigger(
                        posture=automation_pb2.TRIGGER_POSTURE_REACTIVE, expect=["headrace.flow-run.Failed"]
                    )
                ),
                actions=[
                    automation_pb2.Action(
                        call_webhook=automation_pb2.CallWebhookAction(url="http://169.254.169.254/latest")
                    )
                ],
            )
        )
    )


async def take_a_slot(stack: Stack) -> None:
    """Hold a slot of a limit for a while."""
    stub = stack.stub(concurrency_pb2_grpc.ConcurrencyServiceStub)
    await stub.SetConcurrencyLimit(concurrency_pb2.SetConcurrencyLimitRequest(name="database", limit=1))
    await stub.AcquireSlots(
        concurrency_pb2.AcquireSlotsRequest(
            names=["database"], slots=1, lease_duration=Duration(seconds=300), lease_id=str(uuid7())
        )
    )


async def test_dashboards_show_what_happens(site: Site) -> None:
    await take_a_slot(site.stack)
    await fail_a_delivery(site.stack)
    await a_run().failed().build(site.stack)
    await site.machine.headrace("deployment", "run", "squares/test", "-p", "count=4", "--watch")
    await site.machine.headrace("deployment", "run", "squares/test", "-p", "count=4", "--watch")
    queries = list(dashboards())
    assert len(queries) > 20
    empty = {panel: expression for _, panel, expression in queries}

    async def show_data() -> None:
        for panel, expression in list(empty.items()):
            if await site.prometheus.query(expression.replace("[5m]", "[1m]")):
                del empty[panel]

    async def workers_show() -> bool:
        await show_data()
        return not any("worker_capacity" in expression for expression in empty.values())

    async def all_show() -> bool:
        await show_data()
        return not empty

    await eventually(workers_show, PATIENCE_SECONDS)
    # Now something is to wait.
    await site.worker.stop()
    await site.machine.headrace("deployment", "run", "squares/test", "-p", "count=4")
    with contextlib.suppress(TimeoutError):
        await eventually(all_show, PATIENCE_SECONDS)
    assert not empty


async def test_every_alert_fires_when_what_it_watches_breaks(site: Site) -> None:
    await fail_a_delivery(site.stack)
    await site.worker.stop()
    due = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=10)
    await site.machine.headrace("deployment", "run", "squares/test", "-p", "count=1", "--at", due.isoformat())
    database = Cluster(site.server.supervisor.home / "postgres", account()).url
    connection = await asyncpg.connect(database)
    try:
        await site.machine.headrace("deployment", "schedule", "create", "sleeper/test", "--cron", "0 4 * * *")
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(keep_runs_failing(site.stack))
            await site.fires("HeadraceNoWorker", "HeadraceRunsLate", "HeadraceRunsFail", "HeadraceDeliveriesFail")
            failing.cancel()
        await connection.execute("revoke all on state.start_deadline, state.artifact from headrace_state")
        async with asyncio.TaskGroup() as group:
            breaking = [group.create_task(keep_failing(site.stack)), group.create_task(keep_overdue(database))]
            await site.fires("HeadraceSchedulesLag", "HeadraceLoopFails", "HeadraceErrors")
            for task in breaking:
                task.cancel()
        async with connection.transaction(), asyncio.TaskGroup() as group:
            await connection.execute("lock table state.variable in access exclusive mode")
            waiting = [group.create_task(keep_waiting(site.stack)) for _ in range(8)]
            await site.fires("HeadraceConnectionsUsedUp", "HeadraceSlow")
            for task in waiting:
                task.cancel()
    finally:
        await connection.close()
    await site.server.supervisor.stop()
    await site.fires("HeadraceDown", "HeadraceNotCounting")
    assert site.fired >= {alert["alert"] for alert in alerts()}


async def keep_overdue(database: str) -> None:
    """Let a schedule be overdue, and the loop that looks after it belong to a replica that does nothing."""
    connection = await asyncpg.connect(database)
    try:
        while True:
            await connection.execute(
                "update scheduler.service_lease set holder = 'nobody', expires_at = now() + interval '1 h'"
                " where name = 'materialise-schedules'"
            )
            # The loop learns within seconds that it has lost its lease; until then it may do its work.
            await connection.execute(
                "update scheduler.schedule set next_at = now() - interval '10 min' where next_at is not null"
            )
            await asyncio.sleep(1)
    finally:
        await connection.close()


async def keep_runs_failing(stack: Stack) -> None:
    """Let runs fail one after the other: what has happened before Prometheus first looked does not count."""
    while True:
        await a_run().failed().build(stack)
        await asyncio.sleep(0.3)


async def keep_failing(stack: Stack) -> None:
    """Call what fails, again and again."""
    stub = stack.stub(artifact_pb2_grpc.ArtifactServiceStub)
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await stub.ListArtifacts(artifact_pb2.ListArtifactsRequest())
        await asyncio.sleep(0.1)


async def keep_waiting(stack: Stack) -> None:
    """Call what waits for a lock, again and again."""
    stub = stack.stub(variable_pb2_grpc.VariableServiceStub)
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await stub.ListVariables(variable_pb2.ListVariablesRequest(), timeout=3)
