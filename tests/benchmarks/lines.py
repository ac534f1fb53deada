"""Log lines beside Prefect 3.8.8 on one Postgres: durable lines a second, what a follower sees, reads of a large run.

    PYTHONPATH=tests python -m benchmarks.lines --prefect-environment .venv-prefect

Both systems run as their users start them, each with everything in it. Over HTTP both take the same lines in requests
of 1,000 over as many connections; over gRPC writers are processes that keep as many batches under way as the server
allows. What is counted was answered, so it is committed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import pathlib
import statistics
import tempfile
import time
import urllib.request
import uuid
from typing import Any

import asyncpg
import psutil

from benchmarks.__main__ import FOLDER, create_databases, machine
from benchmarks.environment import System, headrace_server, prefect_python, prefect_server
from benchmarks.logs import BATCH, TEXT, measure_follow, measure_ingest, measure_reads
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

CONNECTIONS = 4
_STORAGE = """
select sum(pg_total_relation_size(c.oid))::bigint as size, sum(greatest(c.reltuples, 0))::bigint as lines
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1
   and c.relkind = 'r'
   and c.relname like $2
"""


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="how often each rate is taken; the median counts")
    parser.add_argument("--lines", type=int, default=400_000, help="lines by gRPC, each time")
    parser.add_argument("--http-lines", type=int, default=60_000, help="lines by our HTTP, each time")
    parser.add_argument("--prefect-lines", type=int, default=8_000, help="lines by Prefect's HTTP, each time")
    parser.add_argument("--reads", type=int, default=1_000_000, help="lines of the run that is read and searched")
    parser.add_argument("--prefect-environment", type=pathlib.Path, default=FOLDER.parent.parent / ".venv-prefect")
    chosen = parser.parse_args()
    python = prefect_python(chosen.prefect_environment.absolute())
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        folder, url = pathlib.Path(place), stack.enter_context(durable_postgres())
        asyncio.run(create_databases(url, ("lines_headrace", "lines_prefect")))
        ours = stack.enter_context(headrace_server(folder, with_database(url, "lines_headrace")))
        theirs = stack.enter_context(prefect_server(folder, with_database(url, "lines_prefect"), python))
        print(json.dumps({"at": _now(), **_measure(ours, theirs, url, chosen), "machine": machine()}, indent=2))


def _measure(ours: System, theirs: System, url: str, chosen: argparse.Namespace) -> dict[str, Any]:
    target = _grpc_target(ours)
    serving = _server_process(ours)
    grpc_rates, http_rates, rival_rates = [], [], []
    for _ in range(chosen.runs):
        rival_rates.append(asyncio.run(_post(theirs, "/logs/", _rival_body, chosen.prefect_lines)))
        http_rates.append(asyncio.run(_post(ours, "/v1/logs", _our_body, chosen.http_lines)))
        ingest = measure_ingest(target, serving, chosen.lines, 2, in_columns=True)
        grpc_rates.append(float(ingest["lines_per_second"]))
        print(
            f"Prefect {rival_rates[-1]:.0f}, HTTP {http_rates[-1]:.0f}, gRPC {grpc_rates[-1]:.0f} lines/s", flush=True
        )
    rival = statistics.median(rival_rates)
    figures: dict[str, Any] = {
        "lines_per_second": {
            "Prefect, HTTP": round(rival),
            "Headrace, HTTP": round(statistics.median(http_rates)),
            "Headrace, gRPC": round(statistics.median(grpc_rates)),
        },
        "times_prefect": {
            "HTTP (bar 15)": round(statistics.median(http_rates) / rival, 1),
            "gRPC (bar 90)": round(statistics.median(grpc_rates) / rival, 1),
        },
        "follow (bar p95 250 ms)": asyncio.run(measure_follow(target, 5_000, 10)),
        "reads (bars 50 ms, 500 ms)": asyncio.run(measure_reads(target, chosen.reads)),
    }
    storage = {}
    for name, schema, pattern in (("headrace", "log", "record%"), ("prefect", "public", "log")):
        storage[name] = asyncio.run(_storage(with_database(url, f"lines_{name}"), schema, pattern))
    figures["bytes_per_line_with_indexes"] = storage
    return figures


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _grpc_target(system: System) -> str:
    with urllib.request.urlopen(f"{system.url}/v1/system") as answer:
        # Without a host it is that of the HTTP address.
        port = json.loads(answer.read())["grpc_address"].rpartition(":")[2]
    return f"127.0.0.1:{port}"


def _server_process(system: System) -> psutil.Process:
    home = system.environment["HEADRACE_HOME"]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HEADRACE_HOME") == home and process.children() == []:
                return process
    raise RuntimeError("the server has no process")


def _moments(start: int) -> list[str]:
    first = datetime.datetime.now(datetime.UTC)
    return [(first + datetime.timedelta(microseconds=start + place)).isoformat() for place in range(BATCH)]


def _our_body(batch: int, flow_run_id: str) -> bytes:
    records = [
        {
            "log_id": str(uuid.uuid4()),
            "flow_run_id": flow_run_id,
            "logger": "headrace.flow_runs",
            "level": 20,
            "message": f"line {batch * BATCH + place}: {TEXT}",
            "occurred_at": moment,
        }
        for place, moment in enumerate(_moments(batch * BATCH))
    ]
    return json.dumps({"records": records}).encode()


def _rival_body(batch: int, flow_run_id: str) -> bytes:
    records = [
        {
            "name": "prefect.flow_runs",
            "flow_run_id": flow_run_id,
            "level": 20,
            "message": f"line {batch * BATCH + place}: {TEXT}",
            "timestamp": moment,
        }
        for place, moment in enumerate(_moments(batch * BATCH))
    ]
    return json.dumps(records).encode()


async def _post(system: System, path: str, body: Any, lines: int) -> float:
    """Return lines a second; the bodies are made before the clock starts."""
    base, _, prefix = system.url.removeprefix("http://").partition("/")
    host, port = base.split(":")
    target = f"/{prefix}{path}" if prefix else path
    flow_run_id = str(uuid.uuid4())
    bodies = [body(batch, flow_run_id) for batch in range(lines // BATCH)]
    waiting = iter(bodies)

    async def send() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for content in waiting:
            head = f"POST {target} HTTP/1.1\r\nhost: {base}\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r")[0] or 0)
            told = await reader.readexactly(length)
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise RuntimeError((answer + told).decode())
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return len(bodies) * BATCH / (time.perf_counter() - started)


async def _storage(url: str, schema: str, pattern: str) -> float:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("analyze")
        row = await connection.fetchrow(_STORAGE, schema, pattern)
        return round(row["size"] / max(1, row["lines"]), 1) if row is not None else 0.0
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
