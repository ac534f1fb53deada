"""What must hold for every task runner, as flows with their checks."""

from __future__ import annotations

import asyncio
import pathlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from headrace import allow_failure, as_completed, flow, get_run_logger, quote, runtime, tags, task, unmapped, wait
from headrace.caching import INPUTS
from headrace.futures import Future
from headrace.outcomes import TimedOut
from headrace.states import StateType
from headrace.task_runners import TaskRunner
from headrace.testing import LocalRuns

PATIENCE = 60.0


@task
def double(number: int) -> int:
    return number * 2


@task
def add(left: int, right: int) -> int:
    return left + right


@task
def count_up(limit: int) -> list[int]:
    return list(range(limit))


@task
def describe(value: Any) -> str:
    return type(value).__name__


@task
def explode(text: str) -> int:
    raise ValueError(text)


@task
async def later(number: int) -> int:
    await asyncio.sleep(0.01)
    return number + 1


def arguments_are_resolved(runner: TaskRunner, runs: LocalRuns) -> None:
    @task
    def total(numbers: dict[str, list[int]]) -> int:
        return sum(sum(values) for values in numbers.values())

    @flow(task_runner=runner)
    def calls() -> list[Any]:
        first = double.submit(4)
        broken = explode.submit("boom")
        return [
            add.submit(first, right=2).result(),
            total.submit({"all": [double.submit(1), double.submit(2)]}).result(),
            double.map(count_up.submit(3)).result(),
            add.map([1, 2], unmapped(first)).result(),
            double.map(double.map([1, 2])).result(),
            describe.submit(allow_failure(broken)).result(),
            type(add.submit(broken, 1).result(raise_on_failure=False)).__name__,
            type(double.submit(1, wait_for=[broken]).result(raise_on_failure=False)).__name__,
            describe.submit(quote({"kept": 1})).result(),
            later.submit(first).result(),
        ]

    assert calls() == [10, 6, [0, 2, 4], [9, 10], [4, 8], "ValueError", "UpstreamFailed", "UpstreamFailed", "dict", 9]
    ends = {run.name: run.state.name for run in runs.task_runs()}
    assert ends["add-0"] == "Completed"
    assert ends["explode-0"] == "Failed"
    assert "UpstreamFailed" in ends.values()


def generators_are_gathered(runner: TaskRunner, runs: LocalRuns) -> None:
    @task
    def items(limit: int) -> Iterator[int]:
        yield from range(limit)

    @task
    async def items_later(limit: int) -> AsyncIterator[int]:
        for number in range(limit):
            yield number

    @flow(task_runner=runner)
    def calls() -> list[Any]:
        futures: list[Future[Any]] = [items.submit(3), items_later.submit(2)]
        return [future.result() for future in futures]

    assert calls() == [[0, 1, 2], [0, 1]]


def futures_tell_of_their_ends(runner: TaskRunner, runs: LocalRuns) -> None:
    heard: list[str] = []

    @flow(task_runner=runner)
    def calls() -> tuple[list[int], int, str]:
        futures: list[Future[int]] = [double.submit(number) for number in range(4)]
        for future in futures:
            future.add_done_callback(lambda ended: heard.append(ended.task_run_id))
        values = sorted(future.result() for future in as_completed(futures, timeout=PATIENCE))
        assert len(wait(futures, timeout=PATIENCE).done) == 4
        assert sorted(heard) == sorted(future.task_run_id for future in futures)
        return values, len(heard), futures[0].state.name

    values, count, state = calls()
    assert (values, count) == ([0, 2, 4, 6], 4)
    assert state == "Completed"


def failures_are_tried_again(runner: TaskRunner, runs: LocalRuns, folder: pathlib.Path) -> None:
    counter = folder / "tries"

    @task(retries=2, retry_delay_seconds=0)
    def flaky() -> int:
        with counter.open("a") as file:
            file.write("x")
        if counter.stat().st_size < 3:
            raise RuntimeError("not yet")
        return runtime.task_run.run_count

    @flow(task_runner=runner)
    def calls() -> int:
        return flaky.submit().result()

    assert calls() == 3
    states = [state.name for state in runs.task_runs()[-1].states]
    assert states == ["Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed"]


def results_are_cached(runner: TaskRunner, runs: LocalRuns, folder: pathlib.Path) -> None:
    storage = (folder / "results").as_uri()

    @task(persist_result=True, result_storage=storage, cache_policy=INPUTS)
    def costly(number: int) -> int:
        return number * 3

    @flow(task_runner=runner)
    def calls() -> tuple[int, int]:
        return costly.submit(5).result(), costly.submit(5).result()

    assert calls() == (15, 15)
    assert [run.state.name for run in runs.task_runs()] == ["Completed", "Cached"]


def time_is_limited(runner: TaskRunner, runs: LocalRuns) -> None:
    @task(timeout_seconds=0.3)
    def endless() -> None:
        while True:
            time.sleep(0.01)

    @task(timeout_seconds=0.3)
    async def endless_async() -> None:
        await asyncio.sleep(PATIENCE)

    @flow(task_runner=runner)
    def calls() -> list[str]:
        futures: list[Future[Any]] = [endless.submit(), endless_async.submit()]
        return [type(future.result(raise_on_failure=False)).__name__ for future in futures]

    assert calls() == ["TimedOut", "TimedOut"]
    assert {run.state.name for run in runs.task_runs()} == {"TimedOut"}


def log_records_belong_to_their_task_runs(runner: TaskRunner, runs: LocalRuns) -> None:
    @task(log_prints=True)
    def talk(number: int) -> str | None:
        get_run_logger().warning("said %d", number)
        print("printed", number)  # noqa: T201
        return runtime.task_run.id

    @flow(task_runner=runner)
    def calls() -> list[str | None]:
        return talk.map([1, 2]).result()

    ids = calls()
    said = {(line.task_run_id, line.message) for line in runs.logs() if line.task_run_id}
    assert said == {
        (ids[0], "said 1"),
        (ids[0], "printed 1"),
        (ids[1], "said 2"),
        (ids[1], "printed 2"),
    }


def tasks_may_call_tasks(runner: TaskRunner, runs: LocalRuns) -> None:
    @task
    def outer(number: int) -> int:
        direct = double(number)
        return sum(double.map([direct] * 3).result()) + add.submit(double.submit(1), 1).result()

    @flow(task_runner=runner)
    def calls() -> list[int]:
        with tags("nightly"):
            return outer.map([1, 2, 3]).result()

    assert calls() == [15, 27, 39]
    found = runs.task_runs()
    assert len(found) == 3 + 3 * 6
    assert all(run.state.is_completed() for run in found)
    assert {run.flow_run_id for run in found} == {runs.flow_runs("calls")[-1].flow_run_id}
    assert {run.tags for run in found} == {("nightly",)}
    assert len({run.dynamic_key for run in found if run.name.startswith("double")}) == 3 * 5


def errors_that_cannot_be_pickled_are_told(runner: TaskRunner, runs: LocalRuns) -> None:
    class Odd(Exception):
        def __init__(self, first: str, second: object) -> None:
            super().__init__(f"{first} went wrong")
            self.second = second

    @task
    def fail() -> None:
        raise Odd("the pump", threading.Lock())

    @flow(task_runner=runner)
    def calls() -> None:
        fail.submit().result()

    with pytest.raises(Exception, match="the pump went wrong") as caught:
        calls()
    assert isinstance(caught.value, Exception)
    [run] = runs.task_runs()
    assert run.state.type is StateType.FAILED
    assert run.state.details is not None
    assert "raise Odd" in run.state.details.traceback


def a_flow_that_has_to_end_ends_its_tasks(runner: TaskRunner, runs: LocalRuns, folder: pathlib.Path) -> None:
    begun = folder / "begun"

    @task
    def endless() -> None:
        begun.touch()
        while True:
            time.sleep(0.01)

    @flow(task_runner=runner, timeout_seconds=PATIENCE)
    def calls() -> None:
        endless.submit()
        until = time.monotonic() + PATIENCE
        while not begun.exists() and time.monotonic() < until:
            time.sleep(0.01)
        raise TimedOut("that will do")

    with pytest.raises(TimedOut):
        calls()
    [run] = runs.task_runs()
    assert run.state.type is StateType.CANCELLED


Scenario = Callable[[TaskRunner, LocalRuns], None]
WITH_FOLDER: tuple[Callable[[TaskRunner, LocalRuns, pathlib.Path], None], ...] = (
    failures_are_tried_again,
    results_are_cached,
    a_flow_that_has_to_end_ends_its_tasks,
)
PLAIN: tuple[Scenario, ...] = (
    arguments_are_resolved,
    futures_tell_of_their_ends,
    generators_are_gathered,
    time_is_limited,
    log_records_belong_to_their_task_runs,
    tasks_may_call_tasks,
    errors_that_cannot_be_pickled_are_told,
)
NAMES = tuple(scenario.__name__ for scenario in (*PLAIN, *WITH_FOLDER))


def play(name: str, runner: TaskRunner, runs: LocalRuns, folder: pathlib.Path) -> None:
    """Let a scenario happen and check it."""
    for plain in PLAIN:
        if plain.__name__ == name:
            plain(runner, runs)
            return
    for scenario in WITH_FOLDER:
        if scenario.__name__ == name:
            scenario(runner, runs, folder)
            return
    raise LookupError(name)
