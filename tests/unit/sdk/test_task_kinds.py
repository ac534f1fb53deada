from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from headrace import flow, runtime, task
from headrace.testing import LocalRuns


def names_of(runs: LocalRuns) -> dict[str, list[str]]:
    return {run.name: [state.name for state in run.states] for run in runs.task_runs()}


async def test_coroutine_functions_are_awaited_and_retried(runs: LocalRuns) -> None:
    tries = []

    @task(retries=1)
    async def fetch(number: int) -> int:
        tries.append(number)
        await asyncio.sleep(0)
        if len(tries) == 1:
            raise OSError("down")
        return number + 1

    @flow
    async def calls() -> int:
        return await fetch(1)

    assert await calls() == 2
    assert names_of(runs) == {"fetch-0": ["Running", "AwaitingRetry", "Retrying", "Completed"]}


async def test_coroutines_run_side_by_side_under_gather(runs: LocalRuns) -> None:
    arrived: list[int] = []
    all_here = asyncio.Event()

    @task
    async def meet(number: int) -> int:
        arrived.append(number)
        if len(arrived) == 3:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), 60)
        return number

    @flow
    async def calls() -> list[int]:
        return list(await asyncio.gather(*[meet(number) for number in range(3)]))

    assert await calls() == [0, 1, 2]
    assert sorted(names_of(runs)) == ["meet-0", "meet-1", "meet-2"]


def test_a_generator_runs_until_it_is_exhausted(runs: LocalRuns) -> None:
    @task
    def count(limit: int) -> Iterator[int]:
        yield from range(limit)

    @flow
    def calls() -> list[int]:
        found = []
        for number in count(3):
            assert names_of(runs)["count-0"] == ["Running"]
            found.append(number)
        return found

    assert calls() == [0, 1, 2]
    assert names_of(runs) == {"count-0": ["Running", "Completed"]}


def test_a_generator_that_fails_is_a_failed_run(runs: LocalRuns) -> None:
    @task
    def count() -> Iterator[int]:
        yield 1
        raise ValueError("torn")

    @flow
    def calls() -> None:
        with pytest.raises(ValueError, match="torn"):
            list(count())

    calls()
    assert names_of(runs) == {"count-0": ["Running", "Failed"]}


async def test_an_asynchronous_generator_runs_until_it_is_exhausted(runs: LocalRuns) -> None:
    @task
    async def count(limit: int) -> AsyncIterator[int]:
        for number in range(limit):
            assert runtime.task_run.name == "count-0"
            yield number

    @flow
    async def calls() -> list[int]:
        return [number async for number in count(3)]

    assert await calls() == [0, 1, 2]
    assert names_of(runs) == {"count-0": ["Running", "Completed"]}


def test_methods_of_all_kinds_can_be_tasks(runs: LocalRuns) -> None:
    class Store:
        factor = 10

        def __init__(self, offset: int) -> None:
            self.offset = offset

        @task
        def add(self, number: int) -> int:
            return self.offset + number

        @task
        @classmethod
        def scale(cls, number: int) -> int:
            return cls.factor * number

        @task
        @staticmethod
        def negate(number: int) -> int:
            return -number

    @flow
    def calls() -> list[int]:
        store = Store(5)
        negate: Any = store.negate
        return [store.add(1), store.add.submit(2).result(), Store.scale(3), negate(4)]

    assert calls() == [6, 7, 30, -4]
    assert [run.name for run in runs.task_runs()] == ["add-0", "add-1", "scale-0", "negate-0"]


async def test_time_is_over_for_coroutines_and_is_retried(runs: LocalRuns) -> None:
    tries = []

    @task(timeout_seconds=0.05, retries=1)
    async def slow() -> str:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(30)
        return "fast"

    @flow
    async def calls() -> str:
        return await slow()

    assert await calls() == "fast"
