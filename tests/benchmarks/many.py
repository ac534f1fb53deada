"""Very many task runs in one flow run: `python -m benchmarks.many [--count 100000]`.

Submits them all, waits for all, and then looks into the database for what is missing. Prints the peak memory of
the flow process and how much of it came after the first tenth: what grows with the number of task runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import asyncpg

from benchmarks.__main__ import create_databases, machine
from benchmarks.environment import System, headrace_server
from headrace import flow, task
from headrace_harness.durable import durable_postgres
from headrace_harness.invariants import assert_invariants
from headrace_harness.postgres import with_database

MOST_MEGABYTES = 300


@task
def nothing(number: int) -> int:
    """Do nothing."""
    return number


@flow
def submitted(count: int) -> int:
    """Submit a task again and again, then wait for all; returns the sum of what they return."""
    return sum(future.result() for future in [nothing.submit(number) for number in range(count)])


def main() -> None:
    """Measure and print; with `--child` be the process that is measured."""
    parser = argparse.ArgumentParser(description="Run a flow with very many submitted tasks.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        _run(chosen.count)
        return
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        postgres_url = stack.enter_context(durable_postgres())
        url = with_database(postgres_url, "bench_many")
        asyncio.run(create_databases(postgres_url, ("bench_many",)))
        system = stack.enter_context(headrace_server(pathlib.Path(place), url))
        figures = _measure(system, chosen.count)
        found = asyncio.run(_look(url))
    missing = chosen.count - found["completed"]
    summary = {
        **figures,
        **found,
        "missing": missing,
        "holds": missing == 0 and figures["peak_megabytes"] <= MOST_MEGABYTES,
        "machine": machine(),
    }
    print(json.dumps(summary, indent=2))
    sys.exit(0 if summary["holds"] else 1)


def _run(count: int) -> None:
    submitted(10)
    tenth = count // 10
    assert submitted(tenth) == tenth * (tenth - 1) // 2
    after_a_tenth = _peak_megabytes()
    started = time.perf_counter()
    assert submitted(count) == count * (count - 1) // 2
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "count": count,
                "seconds": round(seconds, 2),
                "per_second": round(count / seconds),
                "peak_megabytes": _peak_megabytes(),
                "peak_megabytes_of_a_tenth": after_a_tenth,
            }
        )
    )


def _peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _measure(system: System, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many", "--child", "--count", str(count)],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-3000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


async def _look(url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        [row] = await connection.fetch(
            """
            select (select count(*) from state.task_run where flow_run_id = run.flow_run_id
                       and state_type = 'COMPLETED') as completed,
                   (select count(*) from state.transition where flow_run_id = run.flow_run_id
                       and run_id <> flow_run_id) as transitions
              from state.flow_run as run
             order by flow_run_id desc
             limit 1
            """
        )
        await assert_invariants(connection, at_rest=True)
    finally:
        await connection.close()
    return {"completed": row["completed"], "transitions": row["transitions"]}


if __name__ == "__main__":
    main()
