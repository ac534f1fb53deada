"""Thousands of cron schedules: how late their runs reach a worker, and what the scheduler costs.

    python -m tests.benchmarks.schedules --schedules 10000 --every 60 --seconds 120

Each schedule has a minute and second of its own, so that the runs are spread evenly. State service and scheduler are
a process each; Postgres runs with its default durability (fsync on).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from typing import Any

import asyncpg

from benchmarks.dispatching import BenchWorker, Clients, Served, clients, installed, percentiles, sampled
from headrace.api.v1 import deployment_pb2 as pb

_EACH = 100
"""Schedules of a deployment."""
_WORKERS = 4
_SLOTS = 50
_LOOKS_EVERY_SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Run thousands of cron schedules.")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=60, help="each fires every so many minutes; divides 60")
    parser.add_argument("--seconds", type=float, default=120.0, help="for how long lateness is measured")
    chosen = parser.parse_args()
    with installed() as (state, scheduler):
        print(json.dumps(asyncio.run(_measure(state, scheduler, chosen)), indent=2))


async def _measure(state: Served, scheduler: Served, chosen: argparse.Namespace) -> dict[str, Any]:
    async with clients(state, scheduler) as stubs, contextlib.AsyncExitStack() as stack:
        await stubs.create_pool()
        started = time.perf_counter()
        for number in range(0, chosen.schedules, _EACH):
            await _apply(stubs, number, min(_EACH, chosen.schedules - number), chosen.every)
        applied = time.perf_counter() - started
        print(f"{chosen.schedules} schedules made in {applied:.1f} s", flush=True)
        made = await _until_made(state.database_url, chosen.schedules / (chosen.every * 60))
        print(f"{made} runs made ahead after {time.perf_counter() - started:.1f} s", flush=True)
        idle = await _share(scheduler, 20.0)
        workers = [BenchWorker(stubs, _SLOTS, runs_states=True) for _ in range(_WORKERS)]
        for worker in workers:
            await stack.enter_async_context(worker.connected())
        # What became due before the workers came is late through no fault of dispatch.
        begun = time.time() + 5.0
        cpu, at = scheduler.cpu_seconds(), time.perf_counter()
        most = await sampled(asyncio.sleep(5.0 + chosen.seconds), (state, scheduler), lambda: None)
        busy = (scheduler.cpu_seconds() - cpu) / (time.perf_counter() - at)
    late = [one.at - one.due_at for worker in workers for one in worker.given if one.due_at >= begun]
    return {
        "schedules": chosen.schedules,
        "every_minutes": chosen.every,
        "runs_measured": len(late),
        "lateness_seconds": percentiles(late),
        "scheduler_share_of_a_core": {"without_workers": round(idle, 3), "dispatching": round(busy, 3)},
        "megabytes_most": {name: round(size) for name, size in most.items()},
    }


async def _apply(stubs: Clients, first: int, count: int, every: int) -> None:
    schedules = []
    for number in range(first, first + count):
        minute, second = number // 60 % every, number % 60
        expression = f"{minute}-59/{every} * * * * {second}"
        rule = pb.ScheduleRule(cron=pb.CronRule(expression=expression, time_zone="Europe/Berlin"))
        schedules.append(pb.Schedule(slug=f"s{number}", rule=rule, active=True))
    await stubs.deployments.ApplyDeployment(
        pb.ApplyDeploymentRequest(
            flow_name="etl",
            name=f"d{first}",
            content=pb.DeploymentContent(work_pool_name="pool", entrypoint="flows.py:etl"),
            schedules=schedules,
        )
    )


async def _until_made(database_url: str, per_second: float) -> int:
    """Wait until no more runs are made ahead than come with time, `per_second`; return how many there are."""
    connection = await asyncpg.connect(database_url)
    try:
        made, before = 0, -1
        while not 0 < made <= before + 2 * per_second * _LOOKS_EVERY_SECONDS:
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)
            made, before = await connection.fetchval("select count(*) from state.due_run"), made
    finally:
        await connection.close()
    return made


async def _share(service: Served, seconds: float) -> float:
    """Return which share of a core a service uses for some time."""
    cpu, at = service.cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (service.cpu_seconds() - cpu) / (time.perf_counter() - at)


if __name__ == "__main__":
    main()
