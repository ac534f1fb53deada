"""A backlog of due runs drained by workers: how fast, in which order, with how much memory.

    python -m benchmarks.backlog --runs 200000 --workers 10 --slots 50

State service and scheduler are a process each; Postgres runs with its default durability (fsync on).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from typing import Any

import asyncpg

from benchmarks.dispatching import BenchWorker, Clients, Given, Served, clients, installed, sampled
from headrace.api.v1 import deployment_pb2 as pb

_AT_ONCE = 1_000
_SHOWN_SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Drain a backlog of due runs.")
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--slots", type=int, default=50)
    parser.add_argument(
        "--complete", action="store_true", help="bring each run through RUNNING to COMPLETED instead of stopping it"
    )
    chosen = parser.parse_args()
    with installed() as (state, scheduler):
        print(json.dumps(asyncio.run(_measure(state, scheduler, chosen)), indent=2))


async def _measure(state: Served, scheduler: Served, chosen: argparse.Namespace) -> dict[str, Any]:
    async with clients(state, scheduler) as stubs:
        await stubs.create_pool()
        content = pb.DeploymentContent(work_pool_name="pool", entrypoint="flows.py:etl")
        applied = await stubs.deployments.ApplyDeployment(
            pb.ApplyDeploymentRequest(flow_name="etl", name="bench", content=content)
        )
        started = time.perf_counter()
        await _fill(stubs, applied.deployment.deployment_id, chosen.runs)
        filled = time.perf_counter() - started
        print(f"{chosen.runs} runs made in {filled:.1f} s", flush=True)
        before = {service.name: service.megabytes() for service in (state, scheduler)}
        workers = [BenchWorker(stubs, chosen.slots, runs_states=chosen.complete) for _ in range(chosen.workers)]
        started = time.perf_counter()
        most = await sampled(_drained(workers, chosen.runs), (state, scheduler), _Progress(workers))
        seconds = time.perf_counter() - started
    given = sorted((one for worker in workers for one in worker.given), key=lambda one: one.at)
    return {
        "runs": chosen.runs,
        "workers": chosen.workers,
        "slots": chosen.slots,
        "made_per_second": round(chosen.runs / filled),
        "seconds": round(seconds, 1),
        "claimed_per_second": round(len(given) / max(1e-9, given[-1].at - given[0].at)),
        "completed_per_second" if chosen.complete else "ended_per_second": round(chosen.runs / seconds),
        "states": await _states(state.database_url),
        "each_once": len({one.flow_run_id for one in given}) == len(given) == chosen.runs,
        "farthest_out_of_order": _farthest(given),
        "megabytes_before": {name: round(size) for name, size in before.items()},
        "megabytes_most": {name: round(size) for name, size in most.items()},
    }


async def _states(url: str) -> dict[str, int]:
    """Return how many runs there are in each state."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select state_type, count(*) as number from state.flow_run group by 1")
    finally:
        await connection.close()
    return {row["state_type"]: row["number"] for row in rows}


async def _fill(stubs: Clients, deployment_id: str, runs: int) -> None:
    for start in range(0, runs, _AT_ONCE):
        batch = [pb.BulkRun(name=f"{number:07}") for number in range(start, min(start + _AT_ONCE, runs))]
        await stubs.deployments.RunDeploymentInBulk(
            pb.RunDeploymentInBulkRequest(deployment_id=deployment_id, runs=batch)
        )


async def _drained(workers: list[BenchWorker], runs: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker.connected())
        # Each reading task would have to tell; now and then is near enough.
        while sum(worker.stored for worker in workers) < runs:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


class _Progress:
    """Prints how far it is now and then."""

    def __init__(self, workers: list[BenchWorker]) -> None:
        self._workers = workers
        self._shown = (time.perf_counter(), 0)

    def __call__(self) -> None:
        at, number = self._shown
        now, given = time.perf_counter(), sum(len(worker.given) for worker in self._workers)
        if now - at >= _SHOWN_SECONDS:
            print(f"{given} claimed, {(given - number) / (now - at):.0f}/s", flush=True)
            self._shown = (now, given)


def _farthest(given: list[Given]) -> int:
    """Return by how many places a run came too early or too late at most. Workers hold a few hundred at once."""
    return max((abs(int(one.name) - place) for place, one in enumerate(given)), default=0)


if __name__ == "__main__":
    main()
