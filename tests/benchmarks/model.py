"""The service against a model of it, for long: `python -m benchmarks.model [--steps 100000]`.

A Hypothesis state machine drives rules and recording on the one hand and a model in memory on the other; the
answers must be the same, and so must the snapshots at the end of each machine. Ends with status 1 if they are not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from benchmarks.__main__ import create_databases, machine
from headrace_harness.durable import durable_postgres
from headrace_harness.model_machine import bench_on, run_machines
from headrace_harness.postgres import with_database
from headrace_migrations import run


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(description="Drive the state service beside a model of it.")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=60, help="steps of one machine, at most")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url:
        url = with_database(postgres_url, "bench_model")
        asyncio.run(_prepare(postgres_url, url))
        started = time.perf_counter()
        with bench_on(url) as bench:
            while bench.steps < chosen.steps:
                left = chosen.steps - bench.steps
                run_machines(bench, examples=max(20, min(200, left // chosen.each)), steps=chosen.each)
                print(f"{bench.steps} steps, {bench.machines} machines, {bench.runs} flow runs", flush=True)
            bench.check()
        summary = {
            "steps": bench.steps,
            "machines": bench.machines,
            "flow_runs": bench.runs,
            "task_runs": bench.task_runs,
            "acknowledged_transitions": len(bench.acknowledged),
            "snapshots_equal": True,
            "seconds": round(time.perf_counter() - started, 1),
            "machine": machine(),
        }
    print(json.dumps(summary, indent=2))


async def _prepare(postgres_url: str, url: str) -> None:
    await create_databases(postgres_url, ("bench_model",))
    await run.upgrade(url)


if __name__ == "__main__":
    main()
