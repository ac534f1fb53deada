"""How long dispatch takes beside a long history, and beside a transaction that stays open.

    python -m benchmarks.history --history 1000000 --held 180

Runs are triggered at a steady rate and brought to their end by a worker; what counts is the time from the call that
makes a run until the worker has it. It is taken with empty tables, with a million finished runs in them, and while
a transaction is held open, so that nothing that was deleted meanwhile can be cleaned away. On a busy machine the
number of blocks that the database looks at for a run tells more than the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from benchmarks.__main__ import machine
from benchmarks.dispatching import BenchWorker, Clients, clients, installed_on, percentiles
from headrace.api.v1 import deployment_pb2 as pb
from headrace_harness.durable import durable_postgres
from headrace_harness.servers import until

_BLOCK = 50_000
_PATIENCE_SECONDS = 60.0
_STATISTICS_SECONDS = 1.5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure dispatch beside a long history and an open transaction.")
    parser.add_argument("--history", type=int, default=1_000_000, help="finished runs in the tables")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each figure")
    parser.add_argument("--held", type=float, default=180.0, help="seconds for which the transaction is open")
    parser.add_argument("--rate", type=float, default=10.0, help="runs a second")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url, installed_on(postgres_url) as (state, scheduler, url):
        figures = asyncio.run(_measure(clients(state, scheduler), url, chosen))
    print(json.dumps(figures | {"machine": machine()}, indent=2))


async def _measure(
    connecting: contextlib.AbstractAsyncContextManager[Clients], url: str, chosen: argparse.Namespace
) -> dict[str, Any]:
    figures: dict[str, Any] = {"rate": chosen.rate}
    async with connecting as stubs:
        await stubs.create_pool()
        content = pb.DeploymentContent(work_pool_name="pool", entrypoint="flows.py:etl")
        applied = await stubs.deployments.ApplyDeployment(
            pb.ApplyDeploymentRequest(flow_name="etl", name="bench", content=content)
        )
        deployment_id = applied.deployment.deployment_id
        async with BenchWorker(stubs, 100, runs_states=True).connected() as worker:

            async def take(name: str, seconds: float) -> None:
                before = await _blocks(url)
                figures[name] = await _latencies(stubs, worker, deployment_id, chosen.rate, seconds)
                figures[name]["blocks_per_run"] = round((await _blocks(url) - before) / figures[name]["runs"])
                print(f"{name}: {figures[name]}", flush=True)

            await take("warm-up", 3.0)
            await take("empty tables", chosen.seconds)
            figures["seconds_to_fill"] = await _fill(url, chosen.history)
            await take("with history", chosen.seconds)
            async with _held_open(url):
                # What is left behind grows all the time; the end of it counts.
                await take("transaction open, at first", max(1.0, chosen.held - chosen.seconds))
                await take("transaction open, at last", chosen.seconds)
            await take("transaction closed", chosen.seconds)
    for name in ("with history", "transaction open, at last"):
        for figure in ("p50", "p99", "blocks_per_run"):
            figures[f"{name}, {figure} beside empty tables"] = round(
                figures[name][figure] / figures["empty tables"][figure], 2
            )
    return figures


async def _latencies(
    stubs: Clients, worker: BenchWorker, deployment_id: str, rate: float, seconds: float
) -> dict[str, float]:
    """Trigger runs at a rate; return percentiles, in seconds, of the time until the worker has them."""
    made: dict[str, float] = {}
    before = len(worker.given)

    async def trigger() -> None:
        at = time.time()
        answer = await stubs.deployments.RunDeployment(pb.RunDeploymentRequest(deployment_id=deployment_id))
        made[answer.flow_run.flow_run_id] = at

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            group.create_task(trigger())
    with contextlib.suppress(AssertionError):
        await until(lambda: len(worker.given) - before >= len(made), seconds=_PATIENCE_SECONDS)
    given = {one.flow_run_id: one.at for one in worker.given[before:]}
    assert len(given) == len(made), f"{len(made) - len(given)} of {len(made)} runs did not come"
    return percentiles([given[run] - at for run, at in made.items()]) | {"runs": len(made)}


async def _blocks(url: str) -> int:
    """Return how many blocks were looked at so far: what is to be done for a run, whatever else the machine does."""
    connection = await asyncpg.connect(url)
    try:
        # Connections tell what they did when they have been idle for a moment.
        await asyncio.sleep(_STATISTICS_SECONDS)
        return int(
            await connection.fetchval(
                "select blks_hit + blks_read from pg_stat_database where datname = current_database()"
            )
        )
    finally:
        await connection.close()


async def _fill(url: str, count: int) -> float:
    """Copy a finished run again and again, with the end of its history; returns the seconds it took."""
    started = time.perf_counter()
    connection = await asyncpg.connect(url)
    try:
        for table, where in (("flow_run", "state_type = 'COMPLETED'"), ("transition", "state_type = 'COMPLETED'")):
            names = [
                row["name"]
                for row in await connection.fetch(
                    "select column_name as name from information_schema.columns"
                    " where table_schema = 'state' and table_name = $1 and is_generated = 'NEVER'",
                    table,
                )
            ]
            fresh = {"flow_run_id", "root_flow_run_id", "run_id", "state_id"}
            values = ", ".join("gen_random_uuid()" if name in fresh else f'old."{name}"' for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            for start in range(0, count, _BLOCK):
                await connection.execute(
                    f"with old as (select * from state.{table} where {where} limit 1)"
                    f" insert into state.{table} ({columns}) select {values} from old, generate_series(1, $1)",
                    min(_BLOCK, count - start),
                )
        await connection.execute("vacuum analyze state.flow_run")
    finally:
        await connection.close()
    return round(time.perf_counter() - started, 1)


@contextlib.asynccontextmanager
async def _held_open(url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("select count(*) from state.due_run")
            yield
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
