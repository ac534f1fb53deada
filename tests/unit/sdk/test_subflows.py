"""Subflows side by side, and how they are stopped."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from typing import Any

import pytest

from headrace import flow, get_flow_run, task
from headrace.outcomes import CancelInterrupt, CancelledRun, TimedOut
from headrace.testing import LocalRuns

WAIT = 60.0


def names_below(runs: LocalRuns, flow_name: str) -> dict[str, list[str]]:
    (run,) = runs.flow_runs(flow_name)
    return {each.name: [state.name for state in each.states] for each in runs.task_runs(run.flow_run_id)}


@flow
def square(number: int) -> int:
    return number * number


async def test_asynchronous_subflows_run_side_by_side(runs: LocalRuns) -> None:
    arrived: list[int] = []
    all_here = asyncio.Event()

    @flow
    async def meet(number: int) -> int:
        arrived.append(number)
        if len(arrived) == 3:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), WAIT)
        return number

    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(*[meet(number) for number in range(3)]))

    assert await parent() == [0, 1, 2]
    (run,) = runs.flow_runs("parent")
    assert {each.parent_flow_run_id for each in runs.flow_runs("meet")} == {run.flow_run_id}
    assert names_below(runs, "parent") == {f"meet-{number}": ["Running", "Completed"] for number in range(3)}


def test_subflows_run_side_by_side_in_tasks_and_threads(runs: LocalRuns) -> None:
    barrier = threading.Barrier(2)

    @flow
    def meet(number: int) -> int:
        barrier.wait(WAIT)
        return square(number)

    @task
    def in_task(number: int) -> int:
        return meet(number)

    @flow
    def parent() -> list[int]:
        first = [future.result() for future in [in_task.submit(number) for number in (1, 2)]]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            started: Any = meet
            calls = [pool.submit(contextvars.copy_context().run, started, number) for number in (3, 4)]
            return first + [call.result(WAIT) for call in calls]

    assert parent() == [1, 4, 9, 16]
    (run,) = runs.flow_runs("parent")
    assert {each.parent_flow_run_id for each in runs.flow_runs("meet")} == {run.flow_run_id}
    assert len(runs.flow_runs("square")) == 4
    assert all(each.state.is_completed() for each in runs.flow_runs())


async def test_synchronous_subflows_run_beside_an_event_loop(runs: LocalRuns) -> None:
    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(*[asyncio.to_thread(square, number) for number in (2, 3)]))

    assert await parent() == [4, 9]
    (run,) = runs.flow_runs("parent")
    assert {each.parent_flow_run_id for each in runs.flow_runs("square")} == {run.flow_run_id}


def test_a_cancelled_flow_stops_its_subflows_in_threads(runs: LocalRuns) -> None:
    running = threading.Semaphore(0)

    @flow
    def endless() -> None:
        running.release()
        while True:
            threading.Event().wait(0.01)

    @task
    def in_task() -> None:
        endless()

    @flow
    def parent() -> None:
        futures = [in_task.submit() for _ in range(2)]
        for _ in futures:
            assert running.acquire(timeout=WAIT)
        get_flow_run().stop(CancelInterrupt, "enough")
        for future in futures:
            future.wait()

    with pytest.raises(CancelledRun, match="enough"):
        parent()
    assert [run.state.name for run in runs.flow_runs("endless")] == ["Cancelled"] * 2
    assert runs.flow_runs("parent")[0].state.name == "Cancelled"


async def test_a_flow_whose_time_is_over_stops_its_subflows(runs: LocalRuns) -> None:
    @flow
    async def endless() -> None:
        await asyncio.sleep(600)

    @flow(timeout_seconds=0.2)
    async def parent() -> None:
        await asyncio.gather(endless(), endless())

    with pytest.raises(TimedOut):
        await parent()
    assert runs.flow_runs("parent")[0].state.name == "TimedOut"
    assert all(run.state.is_final() and not run.state.is_completed() for run in runs.flow_runs("endless"))
