"""Flows and tasks that are generators."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterator

import pytest

from headrace import flow, get_flow_run, runtime, task
from headrace.outcomes import TimedOut
from headrace.testing import LocalRuns


def states_of(runs: LocalRuns) -> dict[str, list[str]]:
    return {run.name: [state.name for state in run.states] for run in runs.task_runs()}


def flow_states(runs: LocalRuns, name: str) -> list[str]:
    (run,) = runs.flow_runs(name)
    return [state.name for state in run.states]


def test_a_flow_hands_its_items_on_as_they_come(runs: LocalRuns) -> None:
    @flow
    def count(limit: int) -> Generator[int, None, str]:
        for number in range(limit):
            assert runtime.flow_run.flow_name == "count"
            yield number
        return "counted"

    items = count(3)
    assert next(items) == 0
    assert runtime.flow_run.id is None
    assert flow_states(runs, "count") == ["Running"]
    assert list(items) == [1, 2]
    assert flow_states(runs, "count") == ["Running", "Completed"]


def test_what_is_sent_and_thrown_into_a_flow_reaches_it(runs: LocalRuns) -> None:
    @flow
    def echo() -> Generator[str, str, None]:
        heard = ""
        while heard != "end":
            try:
                heard = yield heard.upper()
            except KeyError:
                heard = "a key error"

    talk = echo()
    assert next(talk) == ""
    assert talk.send("hello") == "HELLO"
    assert talk.throw(KeyError("x")) == "A KEY ERROR"
    with pytest.raises(StopIteration):
        talk.send("end")


def test_a_generator_as_subflow_streams_into_its_parent(runs: LocalRuns) -> None:
    @task
    def double(number: int) -> int:
        return number * 2

    @flow
    def doubles(limit: int) -> Iterator[int]:
        for number in range(limit):
            yield double(number)

    @flow
    def total() -> int:
        found = 0
        for number in doubles(4):
            assert get_flow_run().flow_name == "total"
            found += number
        return found

    assert total() == 12
    assert states_of(runs)["doubles-0"] == ["Running", "Completed"]
    (child,) = runs.flow_runs("doubles")
    assert len(runs.task_runs(child.flow_run_id)) == 4


def test_a_closed_flow_has_completed(runs: LocalRuns) -> None:
    closed = []

    @flow
    def forever() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    for _ in forever():
        break
    assert closed == [True]
    assert flow_states(runs, "forever") == ["Running", "Completed"]


def test_a_failing_flow_is_tried_again_from_the_start(runs: LocalRuns) -> None:
    tries = []

    @flow(retries=1)
    def shaky() -> Iterator[int]:
        tries.append(1)
        yield 1
        if len(tries) == 1:
            raise OSError("torn")
        yield 2

    assert list(shaky()) == [1, 1, 2]
    assert flow_states(runs, "shaky") == ["Running", "AwaitingRetry", "Retrying", "Completed"]


def test_the_state_of_a_flow_has_the_list_of_its_items(runs: LocalRuns) -> None:
    @flow
    def count() -> Iterator[int]:
        yield from range(3)

    assert count(return_state=True).result() == [0, 1, 2]


def test_a_persisted_generator_task_gives_its_items_from_the_cache(runs: LocalRuns) -> None:
    executed = []

    @task(persist_result=True, cache_key_fn=lambda *_: "all")
    def count(limit: int) -> Iterator[int]:
        executed.append(limit)
        yield from range(limit)

    @flow
    def calls() -> list[list[int]]:
        return [list(count(3)), list(count(3)), count.submit(3).result(), count(3, return_state=True).result()]

    assert calls() == [[0, 1, 2]] * 4
    assert executed == [3]
    assert states_of(runs)["count-1"] == ["Cached"]


def test_a_generator_that_was_not_exhausted_is_not_cached(runs: LocalRuns) -> None:
    executed = []

    @task(persist_result=True, cache_key_fn=lambda *_: "part")
    def count() -> Iterator[int]:
        executed.append(1)
        yield from range(3)

    @flow
    def calls() -> list[int]:
        items = iter(count())
        next(items)
        items.close()  # type: ignore[attr-defined]
        return list(count())

    assert calls() == [0, 1, 2]
    assert len(executed) == 2


def test_a_submitted_generator_gives_the_list_of_its_items(runs: LocalRuns) -> None:
    @task
    def count(limit: int) -> Iterator[int]:
        yield from range(limit)

    @task
    async def count_later(limit: int) -> AsyncGenerator[int, None]:
        for number in range(limit):
            yield number

    @task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @flow
    def calls() -> list[int]:
        return [total.submit(count.submit(4)).result(), total.submit(count_later.submit(5)).result()]

    assert calls() == [6, 10]


def test_only_the_generators_own_time_counts(runs: LocalRuns) -> None:
    @task(timeout_seconds=0.3)
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        while True:
            time.sleep(0.01)

    @flow
    def calls() -> list[int]:
        found = []
        with pytest.raises(TimedOut):
            for number in numbers():
                found.append(number)
                time.sleep(0.2)
        return found

    assert calls() == [1, 2]
    assert states_of(runs)["numbers-0"] == ["Running", "TimedOut"]


async def test_the_time_of_an_asynchronous_flow_is_over(runs: LocalRuns) -> None:
    @flow(timeout_seconds=0.05)
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(30)

    found = []
    with pytest.raises(TimedOut):
        async for number in numbers():
            found.append(number)
    assert found == [1]
    assert flow_states(runs, "numbers") == ["Running", "TimedOut"]


async def test_an_asynchronous_flow_hands_its_items_on(runs: LocalRuns) -> None:
    @task
    async def fetch(number: int) -> int:
        await asyncio.sleep(0)
        return number + 10

    @flow
    async def fetched(limit: int) -> AsyncGenerator[int, None]:
        for number in range(limit):
            yield await fetch(number)

    @flow
    async def total() -> int:
        return sum([number async for number in fetched(3)])

    assert await total() == 33
    assert flow_states(runs, "fetched") == ["Running", "Completed"]
    state = await fetched(2, return_state=True)
    assert state.result() == [10, 11]


async def test_a_closed_asynchronous_flow_has_completed(runs: LocalRuns) -> None:
    @flow
    async def forever() -> AsyncGenerator[int, None]:
        while True:
            yield 1

    items = forever()
    assert await anext(items) == 1
    await items.aclose()
    assert flow_states(runs, "forever") == ["Running", "Completed"]
