"""What the gauges of the service show."""

from __future__ import annotations

from typing import Any

from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.census import Census
from headrace_chassis.database import Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.metrics import metrics_text
from headrace_harness.state import StateClient, new_id, now
from headrace_state.queries import census

WORKSPACE = str(DEFAULT_WORKSPACE_ID)


def counting(database: Database, holder: str) -> Census:
    lease = ServiceLease(database, "test-census", holder, ttl=60)
    return Census(database, census.STATEMENT, census.GAUGES, lease=lease)


def shown(counted: Census) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("headrace_"), *sample.labels.values()): sample.value
        for family in counted.collect()
        for sample in family.samples
    }


async def schedule(state: StateClient, **fields: Any) -> None:
    run = internal.ScheduledRun(flow_run_id=new_id(), flow_name="etl", scheduled_at=now(), **fields)
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))


async def test_what_waits_and_what_runs_is_counted(state: StateClient, database: Database) -> None:
    pool, queue = new_id(), new_id()
    for _ in range(3):
        await schedule(
            state, work_pool_id=pool, work_pool_name="machines", work_queue_id=queue, work_queue_name="urgent"
        )
    await state.running_run()
    counted = counting(database, "a")
    assert counted.lease is not None
    await counted.lease.acquire_or_renew()
    await counted.tick()
    found = shown(counted)
    assert found["flow_runs", "SCHEDULED"] == 3
    assert found["flow_runs", "RUNNING"] == 1
    assert found["due_flow_runs", WORKSPACE, "machines", "urgent"] == 3
    assert found["due_flow_runs_age_seconds", WORKSPACE, "machines", "urgent"] >= 0
    assert found["database_bytes",] > 1_000_000
    assert b"headrace_due_flow_runs{" in metrics_text()


async def test_one_replica_shows_what_it_counts(database: Database) -> None:
    first, second = counting(database, "a"), counting(database, "b")
    assert first.lease is not None
    assert second.lease is not None
    await first.lease.acquire_or_renew()
    await second.lease.acquire_or_renew()
    await first.tick()
    assert shown(first)
    assert not shown(second)
    first.lease.epoch = None
    assert not shown(first)
