"""Two of every part behind Envoy: what the second brings, and whether calls fail while an upgrade is rolled out.

    python -m benchmarks.rolling --seconds 10 --rounds 3 --runs 3000

First state service and scheduler are run once and twice in turn, and the flow runs that callers take through their
life, and those that two workers are handed, are counted, with what each of them costs in every process. Then there
are two of every part; the database is migrated by a later release and every replica replaced by it, one after the
other, while callers call. Ends with status 1 if a call failed after its client had tried again. Callers, server,
Envoy and Postgres share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

import asyncpg

from benchmarks.__main__ import machine
from benchmarks.costs import spent
from benchmarks.dispatching import BenchWorker, Clients
from headrace.api.v1 import deployment_pb2
from headrace.client import connect_async
from headrace.rpc.channel import open_aio_channel
from headrace.settings import Settings
from headrace_harness.durable import durable_postgres
from headrace_harness.load import under_load
from headrace_harness.postgres import with_database
from headrace_harness.replicas import Replicas, next_release, replicated_server
from headrace_harness.servers import ServerProcess, until
from headrace_migrations import run
from headrace_server.parts import ALL_PARTS

WARM_SECONDS = 2.0
_AT_ONCE = 1_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Run two of every part, and replace them under load.")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long callers are counted")
    parser.add_argument("--rounds", type=int, default=3, help="how often each number of replicas is measured")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--runs", type=int, default=3_000, help="how many runs two workers are handed")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url, tempfile.TemporaryDirectory(prefix="headrace-rolling-") as place:
        folder = pathlib.Path(place)
        rates = _compared(postgres_url, folder, chosen)
        (folder / "rolled").mkdir()
        rolled = asyncio.run(_rolled(asyncio.run(_database(postgres_url, "rolled")), folder / "rolled", chosen))
    print(json.dumps({**rates, "rolling": rolled, "machine": machine()}, indent=2))
    sys.exit(0 if rolled["failed"] == 0 else 1)


def _compared(postgres_url: str, folder: pathlib.Path, chosen: argparse.Namespace) -> dict[str, Any]:
    rates: dict[str, dict[int, list[float]]] = {what: {1: [], 2: []} for what in ("lives", "handed")}
    costs: dict[str, dict[int, list[dict[str, float]]]] = {what: {1: [], 2: []} for what in rates}
    for turn in range(chosen.rounds):
        for replicas in (1, 2):
            name = f"turn_{turn}_{replicas}"
            (folder / name).mkdir()
            url = asyncio.run(_database(postgres_url, name))
            taken = asyncio.run(_rates(url, folder / name, replicas, chosen))
            for what, (rate, cost) in taken.items():
                rates[what][replicas].append(rate)
                costs[what][replicas].append(cost)
            told = ", ".join(f"{rate:.0f} {what}/s at {cost['all']:.1f} ms" for what, (rate, cost) in taken.items())
            print(f"{replicas} of state and scheduler: {told} of processor time", flush=True)
    return {
        what: {
            "one_per_second": round(statistics.median(taken[1]), 1),
            "two_per_second": round(statistics.median(taken[2]), 1),
            "ratio": round(statistics.median(taken[2]) / statistics.median(taken[1]), 3),
            "cost_of_each_with_one": _medians(costs[what][1]),
            "cost_of_each_with_two": _medians(costs[what][2]),
        }
        for what, taken in rates.items()
    }


def _medians(costs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(cost.get(name, 0.0) for cost in costs), 3) for name in costs[0]}


async def _database(postgres_url: str, name: str) -> str:
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    url = with_database(postgres_url, name)
    await run.upgrade(url)
    return url


async def _rates(
    url: str, folder: pathlib.Path, replicas: int, chosen: argparse.Namespace
) -> dict[str, tuple[float, dict[str, float]]]:
    """Return how many a second there were of what, and what each cost."""
    counts = {"state": replicas, "scheduler": replicas}
    async with replicated_server(folder, url, counts) as (server, front):
        async with (
            connect_async(Settings(api_url=front)) as client,
            under_load(front, client, grpc_callers=chosen.callers, http_callers=0) as tally,
        ):
            await asyncio.sleep(WARM_SECONDS)
            start = await spent(url, _pids(server))
            before, began = len(tally.completed), time.perf_counter()
            await asyncio.sleep(chosen.seconds)
            lived, seconds = len(tally.completed) - before, time.perf_counter() - began
            lives = lived / seconds, (await spent(url, _pids(server))).since(start, lived)
        if tally.failed:
            raise RuntimeError(f"calls failed: {tally.failed[:5]}")
        start = await spent(url, _pids(server))
        rate = await _handed(front.removeprefix("http://"), chosen.runs)
        handed = rate, (await spent(url, _pids(server))).since(start, chosen.runs)
        return {"lives": lives, "handed": handed}


def _pids(server: Replicas) -> dict[str, int]:
    return {f"{part}-{number}": process.pid for (part, number), process in server.processes.items()}


async def _handed(target: str, runs: int) -> float:
    """Return how many due runs a second two workers take and complete."""
    async with contextlib.AsyncExitStack() as stack:
        # Each on a connection of its own, as real ones are: channels with the same settings would share one.
        channels = [
            await stack.enter_async_context(open_aio_channel(target, reconnect_seconds=5.0 + at)) for at in range(2)
        ]
        stubs = [Clients(channel, channel) for channel in channels]
        await stubs[0].create_pool()
        content = deployment_pb2.DeploymentContent(work_pool_name="pool", entrypoint="flows.py:etl")
        applied = await stubs[0].deployments.ApplyDeployment(
            deployment_pb2.ApplyDeploymentRequest(flow_name="etl", name="bench", content=content)
        )
        for start in range(0, runs, _AT_ONCE):
            batch = [deployment_pb2.BulkRun(name=str(at)) for at in range(start, min(start + _AT_ONCE, runs))]
            await stubs[0].deployments.RunDeploymentInBulk(
                deployment_pb2.RunDeploymentInBulkRequest(deployment_id=applied.deployment.deployment_id, runs=batch)
            )
        began = time.perf_counter()
        workers = [BenchWorker(stub, 50, runs_states=True) for stub in stubs]
        for worker in workers:
            await stack.enter_async_context(worker.connected())
        # Each reading task would have to tell; now and then is near enough.
        while sum(worker.stored for worker in workers) < runs:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return runs / (time.perf_counter() - began)


async def _rolled(url: str, folder: pathlib.Path, chosen: argparse.Namespace) -> dict[str, Any]:
    release = next_release(folder / "release")
    async with (
        replicated_server(folder, url, dict.fromkeys(ALL_PARTS, 2)) as (replicas, front),
        connect_async(Settings(api_url=front)) as client,
    ):
        async with under_load(front, client, grpc_callers=chosen.callers // 2, http_callers=2) as tally:
            await asyncio.sleep(WARM_SECONDS)
            began = time.perf_counter()
            migration = ServerProcess(
                folder / "migration", ["database", "upgrade"], {"HEADRACE_DATABASE_URL": url, **release}
            )
            migration.start()
            if await migration.ended(120) != 0:
                raise RuntimeError(migration.output())
            migrated = time.perf_counter() - began
            for part, number in list(replicas.processes):
                before = tally.calls
                await replicas.replace(part, number, release)
                await until(lambda before=before: tally.calls > before)
            seconds = time.perf_counter() - began
        processes = len(replicas.processes)
    return {
        "calls": tally.calls,
        "failed": len(tally.failed),
        "first_failures": tally.failed[:5],
        "http_requests_made_again": tally.http_retries,
        "slowest_call_seconds": round(tally.slowest_seconds, 2),
        "replicas_replaced": processes,
        "migration_seconds": round(migrated, 1),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
