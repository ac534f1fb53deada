"""The engine beside the bare recorder: `python -m benchmarks.ratio [--count 20000] [--runs 5]`.

The bare recorder sends ready-made frames over one stream, with as many transitions a task run as the engine
sends: that is the limit of what one process can have recorded. Both are measured in turn on the same server and
database, so that their ratio holds on a busy machine, too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import pathlib
import statistics
import tempfile
import time
from typing import Any

import asyncpg

from benchmarks.__main__ import create_databases, machine
from benchmarks.environment import System, headrace_server
from benchmarks.recorder import prepare, send
from headrace.client.discovery import discover
from headrace.rpc.channel import open_aio_channel
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

KINDS = ("sequential", "submitted")
BAR = 0.4
"""So much of the limit the engine is to reach."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the engine beside the bare recorder.")
    parser.add_argument("--count", type=int, default=20_000, help="task runs of a figure")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken; the median counts")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        postgres_url = stack.enter_context(durable_postgres())
        url = with_database(postgres_url, "bench_ratio")
        asyncio.run(create_databases(postgres_url, ("bench_ratio",)))
        system = stack.enter_context(headrace_server(pathlib.Path(place), url))
        system.run("sequential", "1000")
        transitions = asyncio.run(_transitions(url))
        taken: dict[str, list[float]] = {kind: [] for kind in ("bare", *KINDS)}
        for _ in range(chosen.runs):
            taken["bare"].append(asyncio.run(_bare(system, chosen.count, transitions)))
            for kind in KINDS:
                taken[kind].append(json.loads(system.run(kind, str(chosen.count)))["per_second"])
    print(json.dumps(_report(taken, transitions) | {"machine": machine()}, indent=2))


async def _transitions(url: str) -> int:
    """Return how many transitions the engine sends of a task run."""
    connection = await asyncpg.connect(url)
    try:
        many: int = await connection.fetchval(
            """
            select round(count(*)::numeric / count(distinct run_id))::integer
              from state.transition
             where run_id <> flow_run_id
            """
        )
    finally:
        await connection.close()
    return many


async def _bare(system: System, count: int, transitions: int) -> float:
    target = discover(system.url).grpc_target
    async with open_aio_channel(target) as channel:
        _, frames = await prepare(channel, count, argparse.Namespace(transitions=transitions, spread=False))
        started = time.perf_counter()
        await send(channel, frames)
        return count / (time.perf_counter() - started)


def _report(taken: dict[str, list[float]], transitions: int) -> dict[str, Any]:
    medians = {kind: statistics.median(figures) for kind, figures in taken.items()}
    ratios = {
        kind: statistics.median(one / bare for one, bare in zip(taken[kind], taken["bare"], strict=True))
        for kind in KINDS
    }
    return {
        "transitions_of_a_task_run": transitions,
        "task_runs_per_second": {kind: round(median) for kind, median in medians.items()},
        "part_of_the_limit": {kind: round(ratio, 3) for kind, ratio in ratios.items()},
        "reaches_the_bar": all(ratio >= BAR for ratio in ratios.values()),
        "runs": {kind: [round(figure) for figure in figures] for kind, figures in taken.items()},
    }


if __name__ == "__main__":
    main()
