"""Task runs a second, durable, through recording streams: acknowledged after commit.

    python -m tests.benchmarks.recorder --task-runs 50000 --streams 1 --transitions 3

Client and server are a process each; Postgres runs with its default durability (fsync on). With `--spread`
the transitions of a task run are in different frames, as of tasks that run for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import pathlib
import platform
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from typing import Any

import asyncpg
import psutil

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2, task_run_pb2, task_run_pb2_grpc
from headrace.ids import uuid7
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import ServerSettings
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database
from headrace_migrations import run
from headrace_state.wiring import build

IN_FRAME = 480
TYPES = (state_pb2.STATE_TYPE_PENDING, state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_COMPLETED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the recording stream of the state service.")
    parser.add_argument("--task-runs", type=int, default=50_000)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--transitions", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--spread", action="store_true", help="each transition of a task run in a frame of its own")
    parser.add_argument("--profile", help="write a profile of the server (cProfile) to this file")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url:
        url = with_database(postgres_url, "bench_recorder")
        asyncio.run(make_database(postgres_url))
        parent, child = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve_state, args=(url, child, chosen.profile))
        server.start()
        try:
            address = parent.recv()
            result = asyncio.run(_measure(address, chosen, server.pid or 0))
        finally:
            parent.send("stop")
            server.join(30)
            if server.is_alive():
                server.kill()
    print(json.dumps(result | _machine(), indent=2))


async def make_database(url: str) -> None:
    """Create and migrate the database of the measurement."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute('create database "bench_recorder"')
    finally:
        await connection.close()
    await run.upgrade(with_database(url, "bench_recorder"))


def serve_state(url: str, pipe: Connection, profile: str | None) -> None:
    """Serve the state service until told to stop through `pipe`, which first gets the address."""

    async def serve() -> None:
        settings = ServerSettings(port=0, grpc_port=0, drain_seconds=1)
        async with ServiceHost(settings, {"state": build}, url) as host:
            pipe.send(f"127.0.0.1:{host.grpc_port}")
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    with _profiled(profile):
        asyncio.run(serve())


@contextlib.contextmanager
def _profiled(path: str | None) -> Iterator[None]:
    if path is None:
        yield
        return
    import cProfile  # noqa: PLC0415 - only if it is asked for

    profiler = cProfile.Profile()
    profiler.enable()
    try:
        yield
    finally:
        profiler.disable()
        profiler.dump_stats(path)


async def _measure(address: str, chosen: argparse.Namespace, server_pid: int) -> dict[str, Any]:
    each = chosen.task_runs // chosen.streams
    async with open_aio_channel(address) as channel:
        prepared = [await prepare(channel, each, chosen) for _ in range(chosen.streams)]
        server, client = psutil.Process(server_pid), psutil.Process()
        before = [sum(process.cpu_times()[:2]) for process in (server, client)]
        started = time.perf_counter()
        await asyncio.gather(*(send(channel, frames) for _, frames in prepared))
        seconds = time.perf_counter() - started
        after = [sum(process.cpu_times()[:2]) for process in (server, client)]
        reads = task_run_pb2_grpc.TaskRunServiceStub(channel)
        found = 0
        for flow_run_id, _ in prepared:
            counts = await reads.CountTaskRuns(
                task_run_pb2.CountTaskRunsRequest(filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]))
            )
            found += sum(count.count for count in counts.counts if count.type == TYPES[chosen.transitions - 1])
    done = each * chosen.streams
    return {
        "task_runs_per_second": round(done / seconds),
        "transitions_per_second": round(done * chosen.transitions / seconds),
        "seconds": round(seconds, 3),
        "server_cpu_seconds": round(after[0] - before[0], 2),
        "client_cpu_seconds": round(after[1] - before[1], 2),
        "counted_up_to_bound": found,
        "task_runs": done,
        "streams": chosen.streams,
        "transitions": chosen.transitions,
        "spread": chosen.spread,
    }


async def prepare(channel: Any, count: int, chosen: argparse.Namespace) -> tuple[str, list[task_run_pb2.RecordRequest]]:
    """Create a flow run and return its id and the frames of `count` task runs in it."""
    runs = flow_run_pb2_grpc.FlowRunServiceStub(channel)
    created = await runs.CreateFlowRun(
        flow_run_pb2.CreateFlowRunRequest(flow_name="bench", state=state_pb2.State(type=TYPES[1]))
    )
    attempt = task_run_pb2.RecordAttempt(flow_run_id=created.flow_run.flow_run_id, token=created.attempt.token)
    transitions: list[list[task_run_pb2.TaskRunTransition]] = [[] for _ in TYPES]
    for number in range(count):
        task_run_id = str(uuid7())
        for version, state_type in enumerate(TYPES[: chosen.transitions], start=1):
            transition = task_run_pb2.TaskRunTransition(
                task_run_id=task_run_id,
                state=state_pb2.State(state_id=str(uuid7()), type=state_type, version=version),
                run_count=int(version > 1),
            )
            transition.state.occurred_at.GetCurrentTime()
            if version == 1:
                transition.spec.CopyFrom(
                    task_run_pb2.TaskRunSpec(
                        task_key="bench.task", dynamic_key=str(number), name=f"task-{number}", flow_run_run_count=1
                    )
                )
            transitions[version - 1 if chosen.spread else 0].append(transition)
    ordered = [transition for group in transitions for transition in group]
    if chosen.spread:
        # Windows of a frame's size, so that a task run moves on a few frames later.
        ordered = [
            transition
            for start in range(0, count, IN_FRAME)
            for group in transitions
            for transition in group[start : start + IN_FRAME]
        ]
    frames = [
        task_run_pb2.RecordRequest(
            frame=task_run_pb2.RecordFrame(
                sequence=place + 1, attempts=[attempt], transitions=ordered[start : start + IN_FRAME]
            )
        )
        for place, start in enumerate(range(0, len(ordered), IN_FRAME))
    ]
    return created.flow_run.flow_run_id, frames


async def send(channel: Any, frames: list[task_run_pb2.RecordRequest]) -> None:
    """Send frames over one stream; returns once all of them are acknowledged."""
    acknowledged = 0
    moved = asyncio.Condition()

    async def requests() -> AsyncIterator[task_run_pb2.RecordRequest]:
        yield task_run_pb2.RecordRequest(open=task_run_pb2.RecordOpen(process_id="bench"))
        for frame in frames:
            async with moved:
                await moved.wait_for(lambda: frame.frame.sequence - acknowledged <= 32)  # noqa: B023 - waited for here
            yield frame
        async with moved:
            await moved.wait_for(lambda: acknowledged == len(frames))

    async for response in task_run_pb2_grpc.RecordServiceStub(channel).Record(requests()):
        match response.WhichOneof("message"):
            case "ack":
                async with moved:
                    acknowledged = response.ack.sequence
                    moved.notify_all()
            case "refused" | "lost":
                raise RuntimeError(str(response))


def _machine() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "commit": commit.stdout.strip(),
        "folder": pathlib.Path.cwd().name,
        "executable": sys.version_info[:3],
    }


if __name__ == "__main__":
    main()
