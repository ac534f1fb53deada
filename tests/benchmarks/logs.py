"""Log records a second, durable, over gRPC: writers on streams, acknowledged after commit.

    PYTHONPATH=tests python -m benchmarks.logs --lines 400000 --writers 2

Each writer is a process that keeps as many batches under way as the server allows. The server is one
process of its own. Postgres runs with its default durability (fsync on).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psutil

from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace.ids import uuid7
from headrace.recording.log_batches import LogLine, request_of
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import ServerSettings
from headrace_harness.durable import durable_postgres
from headrace_log.wiring import build
from headrace_migrations import run

BATCH = 1000
SUM_UP_SECONDS = 60
_ASKED_EVERY_SECONDS = 5
TEXT = "the quick brown fox jumps over the lazy dog and reads 1234 rows from table orders"


def batch(sequence: int, flow_run_id: str, task_run_ids: list[str], *, in_columns: bool) -> log_pb2.WriteLogsRequest:
    """Return a batch of lines like those of a run, about 100 bytes each, as the SDK makes it."""
    now = time.time_ns()
    lines = [
        LogLine(
            flow_run_id,
            task_run_ids[place % len(task_run_ids)],
            "headrace.task_runs",
            20,
            f"line {sequence * BATCH + place}: {TEXT}",
            now + place * 1000,
        )
        for place in range(BATCH)
    ]
    return request_of(sequence, lines, max_message_bytes=64 * 1024, in_columns=in_columns)


async def write(target: str, batches: int, ready: Any, *, in_columns: bool) -> dict[str, Any]:
    """Write batches on one stream, once all writers are ready; return when it began and ended, and the delays."""
    flow_run_id, tasks = str(uuid7()), [str(uuid7()) for _ in range(8)]
    sent_at: dict[int, float] = {}
    delays: list[float] = []
    async with open_aio_channel(target) as channel:
        stream: Any = log_pb2_grpc.LogServiceStub(channel).WriteLogs()
        await stream.write(log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id=str(uuid7()))))
        opened = await stream.read()
        room = asyncio.Semaphore(opened.opened.max_batches_in_flight)
        acknowledged = 0

        async def read() -> None:
            nonlocal acknowledged
            while acknowledged < batches:
                answer = await stream.read()
                if answer.WhichOneof("message") != "ack":
                    raise RuntimeError(f"a batch was not taken: {answer}")
                for sequence in range(acknowledged + 1, answer.ack.sequence + 1):
                    delays.append(time.perf_counter() - sent_at.pop(sequence))
                    room.release()
                acknowledged = answer.ack.sequence

        # Made before the clock starts: what is measured is the way from a writer's memory to the disk and back.
        requests = [batch(sequence, flow_run_id, tasks, in_columns=in_columns) for sequence in range(1, batches + 1)]
        reading = asyncio.create_task(read())
        ready.wait()
        started, cpu = time.perf_counter(), time.process_time()
        for sequence, request in enumerate(requests, 1):
            await room.acquire()
            sent_at[sequence] = time.perf_counter()
            await stream.write(request)
        await reading
        ended = time.perf_counter()
        await stream.done_writing()
    return {
        "lines": batches * BATCH,
        "started": started,
        "ended": ended,
        "cpu_seconds": time.process_time() - cpu,
        "ack_ms_p50": statistics.median(delays) * 1000,
        "ack_ms_p95": sorted(delays)[int(len(delays) * 0.95)] * 1000,
        "flow_run_id": flow_run_id,
    }


def _writer(target: str, batches: int, in_columns: bool, ready: Any, results: Any) -> None:
    results.put(asyncio.run(write(target, batches, ready, in_columns=in_columns)))


def _serve(database_url: str, port: Any, stop: Any) -> None:
    async def main() -> None:
        settings = ServerSettings(port=0)
        async with ServiceHost(settings, {"log": build}, database_url) as host:
            port.put(host.grpc_port)
            await asyncio.to_thread(stop.wait)

    asyncio.run(main())


@contextlib.contextmanager
def server(database_url: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run the log service in a process of its own."""
    methods = multiprocessing.get_context("spawn")
    port, stop = methods.Queue(), methods.Event()
    process = methods.Process(target=_serve, args=(database_url, port, stop))
    process.start()
    try:
        yield f"127.0.0.1:{port.get(timeout=30)}", psutil.Process(process.pid)
    finally:
        stop.set()
        process.join(30)


def measure_ingest(
    target: str, serving: psutil.Process, lines: int, writers: int, *, in_columns: bool
) -> dict[str, Any]:
    """Return lines a second of `writers` processes that write as fast as they may."""
    methods = multiprocessing.get_context("spawn")
    results, ready = methods.Queue(), methods.Barrier(writers)
    batches = lines // BATCH // writers
    before = serving.cpu_times()
    processes = [
        methods.Process(target=_writer, args=(target, batches, in_columns, ready, results)) for _ in range(writers)
    ]
    for process in processes:
        process.start()
    measured = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(30)
    after = serving.cpu_times()
    seconds = max(one["ended"] for one in measured) - min(one["started"] for one in measured)
    total = sum(one["lines"] for one in measured)
    return {
        "lines": total,
        "writers": writers,
        "in_columns": in_columns,
        "seconds": round(seconds, 3),
        "lines_per_second": round(total / seconds),
        "ack_ms_p50": round(max(one["ack_ms_p50"] for one in measured), 1),
        "ack_ms_p95": round(max(one["ack_ms_p95"] for one in measured), 1),
        "server_cpu_us_per_line": round((after.user + after.system - before.user - before.system) / total * 1e6, 2),
        "writer_cpu_us_per_line": round(sum(one["cpu_seconds"] for one in measured) / total * 1e6, 2),
    }


async def measure_follow(target: str, lines_per_second: int, seconds: int) -> dict[str, Any]:
    """Return how long after it was written a line is seen by a follower, at a steady rate in small batches."""
    flow_run_id = str(uuid7())
    delays: list[float] = []
    per_batch = max(1, lines_per_second // 20)
    total = lines_per_second * seconds

    async def batches() -> AsyncIterator[log_pb2.WriteLogsRequest]:
        yield log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id=str(uuid7())))
        started, sent, sequence = time.time(), 0, 0
        while sent < total:
            sequence += 1
            await asyncio.sleep(max(0.0, started + sent / lines_per_second - time.time()))
            now = time.time_ns()
            records = [
                log_pb2.LogRecord(flow_run_id=flow_run_id, level=20, message=str(now), source=log_pb2.LOG_SOURCE_LOGGER)
                for _ in range(min(per_batch, total - sent))
            ]
            for record in records:
                record.occurred_at.seconds, record.occurred_at.nanos = divmod(now, 1_000_000_000)
            sent += len(records)
            yield log_pb2.WriteLogsRequest(batch=log_pb2.LogBatch(sequence=sequence, records=records))

    async with open_aio_channel(target) as channel, open_aio_channel(target) as other:
        follow: Any = log_pb2_grpc.LogServiceStub(other).FollowLogs(
            log_pb2.FollowLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
        )
        while not (await follow.read()).caught_up:
            pass
        stream = log_pb2_grpc.LogServiceStub(channel).WriteLogs(batches())

        async def acknowledge() -> None:
            async for _ in stream:
                pass

        writing = asyncio.create_task(acknowledge())
        while len(delays) < total:
            response = await follow.read()
            now = time.time_ns()
            delays.extend((now - int(record.message)) / 1e6 for record in response.logs)
        await writing
        follow.cancel()
    delays.sort()
    return {
        "lines_per_second": lines_per_second,
        "seen_ms_p50": round(delays[len(delays) // 2], 1),
        "seen_ms_p95": round(delays[int(len(delays) * 0.95)], 1),
        "seen_ms_max": round(delays[-1], 1),
    }


async def _ask(stub: Any, wanted: log_pb2.LogFilter) -> float:
    """Return how many milliseconds the newest 200 records take."""
    started = time.perf_counter()
    await stub.ListLogs(log_pb2.ListLogsRequest(filter=wanted, sort=log_pb2.LOG_SORT_OCCURRED_DESC), timeout=60)
    return (time.perf_counter() - started) * 1000


async def measure_reads(target: str, lines: int) -> dict[str, Any]:
    """Return how long the newest 200 records of a large run take, and a search in it."""
    written = await write(target, lines // BATCH, threading.Barrier(1), in_columns=True)
    found: dict[str, Any] = {"lines_in_run": written["lines"]}
    async with open_aio_channel(target) as channel:
        stub = log_pb2_grpc.LogServiceStub(channel)
        await _ask(stub, log_pb2.LogFilter(flow_run_ids=[written["flow_run_id"]]))
        absent = log_pb2.LogFilter(flow_run_ids=[written["flow_run_id"]], text="nosuchword")
        found["absent_word_right_behind_ms"] = round(await _ask(stub, absent), 1)
        # A search asks for a run to be summed up; it is, once searches do not get quicker any more.
        # Asked seldom, so that the questions do not hold it up.
        waited, taken = 0, list[float]()
        while waited < SUM_UP_SECONDS and (len(taken) < 4 or taken[-1] < max(taken[-3:]) * 0.9):
            await asyncio.sleep(_ASKED_EVERY_SECONDS)
            waited += _ASKED_EVERY_SECONDS
            taken.append(await _ask(stub, absent))
        found["summed_up_after_s"] = waited
        for name, wanted in (
            ("newest_200_ms", log_pb2.LogFilter()),
            ("rare_word_ms", log_pb2.LogFilter(text=f'"line {lines // 2}:"')),
            ("absent_word_ms", log_pb2.LogFilter(text="nosuchword")),
        ):
            wanted.flow_run_ids.append(written["flow_run_id"])
            times = []
            for _ in range(5):
                times.append(await _ask(stub, wanted))
            found[name] = round(statistics.median(times), 1)
    return found


def main() -> int:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--reads", type=int, default=0, help="lines of a large run to search in; 0 leaves it out")
    arguments = parser.parse_args()
    with durable_postgres() as url:
        asyncio.run(run.upgrade(url))
        with server(url) as (target, serving):
            results = {
                "benchmark": "logs",
                "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "machine": {"cpus": os.cpu_count(), "platform": platform.platform()},
                "commit": subprocess.run(
                    ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
                ).stdout.strip(),
                "ingest": [
                    measure_ingest(target, serving, arguments.lines, arguments.writers, in_columns=in_columns)
                    for in_columns in (True, False)
                ],
                "follow": asyncio.run(measure_follow(target, 5_000, 5)),
            }
            if arguments.reads:
                results["reads"] = asyncio.run(measure_reads(target, arguments.reads))
    print(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
