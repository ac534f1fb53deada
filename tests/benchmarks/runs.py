"""Flow run calls a second against the state service: create, propose, get, list.

    python -m tests.benchmarks.runs --calls 2000 --clients 8

Client and server are a process each; Postgres runs with its default durability (fsync on).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import psutil

from benchmarks.recorder import make_database, serve_state
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace.rpc.channel import open_aio_channel
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure calls about flow runs.")
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--profile", help="write a profile of the server (cProfile) to this file")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url:
        asyncio.run(make_database(postgres_url))
        parent, child = multiprocessing.Pipe()
        url = with_database(postgres_url, "bench_recorder")
        server = multiprocessing.get_context("spawn").Process(target=serve_state, args=(url, child, chosen.profile))
        server.start()
        try:
            result = asyncio.run(_measure(parent.recv(), chosen.calls, chosen.clients, url, server.pid or 0))
        finally:
            parent.send("stop")
            server.join(30)
            if server.is_alive():
                server.kill()
    print(json.dumps(result, indent=2))


async def _measure(address: str, calls: int, clients: int, url: str, server_pid: int) -> dict[str, Any]:
    async with open_aio_channel(address) as channel:
        spent = _Spent(url, server_pid)
        stub = flow_run_pb2_grpc.FlowRunServiceStub(channel)
        ids: list[str] = []

        async def create() -> None:
            created = await stub.CreateFlowRun(flow_run_pb2.CreateFlowRunRequest(flow_name="bench", tags=["a"]))
            ids.append(created.flow_run.flow_run_id)

        async def get() -> None:
            await stub.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=ids[0]))

        async def list_50() -> None:
            await stub.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest())

        async def empty_run() -> None:
            running = state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_RUNNING)
            created = await stub.CreateFlowRun(flow_run_pb2.CreateFlowRunRequest(flow_name="bench", state=running))
            await stub.ProposeFlowRunState(
                flow_run_pb2.ProposeFlowRunStateRequest(
                    flow_run_id=created.flow_run.flow_run_id,
                    attempt_token=created.attempt.token,
                    state=state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_COMPLETED),
                )
            )

        return {
            "create": await _rate(spent, create, calls, clients),
            "get": await _rate(spent, get, calls, clients),
            "list 50": await _rate(spent, list_50, calls // 4, clients),
            "empty flow run": await _rate(spent, empty_run, calls // 2, clients),
            "empty flow run, one after the other": await _rate(spent, empty_run, calls // 4, 1),
        }


class _Spent:
    """CPU seconds of the server and of its Postgres backends; they tell more than the clock on a busy machine."""

    def __init__(self, url: str, server_pid: int) -> None:
        self._url = url
        self._server = psutil.Process(server_pid)

    async def seconds(self) -> tuple[float, float]:
        """Return what was spent until now."""
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch("select pid from pg_stat_activity where application_name like 'headrace%'")
        finally:
            await connection.close()
        backends = 0.0
        for row in rows:
            with contextlib.suppress(psutil.NoSuchProcess):
                backends += sum(psutil.Process(row["pid"]).cpu_times()[:2])
        return sum(self._server.cpu_times()[:2]), backends


async def _rate(spent: _Spent, call: Callable[[], Awaitable[None]], count: int, clients: int) -> dict[str, float]:
    seconds: list[float] = []
    left = count
    await call()
    before = await spent.seconds()

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            started = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(clients)))
    taken = time.perf_counter() - started
    after = await spent.seconds()
    return {
        "per_second": round(count / taken),
        "server_cpu_ms": round((after[0] - before[0]) / count * 1000, 3),
        "postgres_cpu_ms": round((after[1] - before[1]) / count * 1000, 3),
        "p50_ms": round(statistics.median(seconds) * 1000, 2),
        "p99_ms": round(statistics.quantiles(seconds, n=100)[98] * 1000, 2),
    }


if __name__ == "__main__":
    main()
