from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from headrace import allow_failure, as_completed, errors, flow, quote, task, unmapped, wait
from headrace.futures import Future
from headrace.outcomes import UpstreamFailed
from headrace.states import StateType
from headrace.task_runners import ThreadTaskRunner
from headrace.testing import LocalRuns

WAIT = 60.0


@task
def double(number: int) -> int:
    return number * 2


@task
def add(left: int, right: int) -> int:
    return left + right


@task
def explode(*_: Any) -> int:
    raise ValueError("boom")


def test_submitted_tasks_run_elsewhere_and_at_once(runs: LocalRuns) -> None:
    barrier = threading.Barrier(3)
    threads = set()

    @task
    def meet() -> None:
        threads.add(threading.current_thread())
        barrier.wait(WAIT)

    @flow
    def calls() -> None:
        for future in [meet.submit() for _ in range(3)]:
            future.result()

    calls()
    assert len(threads) == 3
    assert threading.main_thread() not in threads


def test_no_more_run_at_once_than_the_runner_allows(runs: LocalRuns) -> None:
    running: set[int] = set()
    most = []

    @task
    def work(number: int) -> None:
        running.add(number)
        most.append(len(running))
        time.sleep(0.01)
        running.discard(number)

    @flow(task_runner=ThreadTaskRunner(max_workers=2))
    def calls() -> None:
        work.map(range(12)).wait()

    calls()
    assert max(most) == 2


def test_a_future_as_argument_is_waited_for_and_replaced_by_its_result(runs: LocalRuns) -> None:
    @task
    def total(numbers: list[int], more: dict[str, int]) -> int:
        return sum(numbers) + sum(more.values())

    @flow
    def calls() -> int:
        one, two = double.submit(1), double.submit(2)
        last = total.submit([one, 10, two], {"a": double.submit(3)})
        return last.result()

    assert calls() == 22
    (last,) = [run for run in runs.task_runs() if run.name == "total-0"]
    upstream = {run.name: run.task_run_id for run in runs.task_runs()}
    assert set(last.upstream) == {upstream["double-0"], upstream["double-1"], upstream["double-2"]}


def test_a_direct_call_takes_futures_too(runs: LocalRuns) -> None:
    @flow
    def calls() -> int:
        return add(double.submit(1), double.submit(2))  # type: ignore[call-overload,no-any-return]

    assert calls() == 6


def test_a_task_whose_upstream_failed_does_not_run(runs: LocalRuns) -> None:
    @flow
    def calls() -> None:
        bad = explode.submit()
        dependent = double.submit(bad)
        further = double.submit(dependent)
        with pytest.raises(UpstreamFailed, match="explode-0 ended Failed"):
            dependent.result()
        further.wait()
        assert further.state.name == "UpstreamFailed"

    calls()
    states = {run.name: run.state for run in runs.task_runs()}
    assert states["double-0"].type is StateType.FAILED
    assert states["double-0"].details is not None
    assert states["double-0"].details.retriable is False
    assert "Running" not in [state.name for run in runs.task_runs()[1:] for state in run.states]


def test_a_failure_can_be_allowed(runs: LocalRuns) -> None:
    @task
    def describe(outcome: Any) -> str:
        return repr(outcome)

    @flow
    def calls() -> list[str]:
        bad = explode.submit()
        return [describe.submit(allow_failure(bad)).result(), describe(allow_failure(bad))]

    assert calls() == ["ValueError('boom')"] * 2


def test_wait_for_orders_without_passing_values(runs: LocalRuns) -> None:
    order = []

    @task
    def first() -> None:
        time.sleep(0.02)
        order.append("first")

    @task
    def second() -> None:
        order.append("second")

    @flow
    def calls() -> None:
        one = first.submit()
        second.submit(wait_for=[one]).result()
        second(wait_for=[first.submit()])
        with pytest.raises(UpstreamFailed):
            second(wait_for=[explode.submit()])

    calls()
    assert order == ["first", "second", "first", "second"]


def test_map_runs_once_for_each_member(runs: LocalRuns) -> None:
    @flow
    def calls() -> list[list[int]]:
        numbers = double.submit(2)

        @task
        def listed(upto: int) -> list[int]:
            return list(range(upto))

        return [
            double.map([1, 2, 3]).result(),
            add.map([1, 2], right=unmapped(10)).result(),
            add.map(range(2), [5, 6]).result(),
            double.map(listed.submit(numbers)).result(),
            add.map(double.map([1, 2]), 1).result(),
        ]

    assert calls() == [[2, 4, 6], [11, 12], [5, 7], [0, 2, 4, 6], [3, 5]]


def test_map_refuses_what_cannot_be_mapped(runs: LocalRuns) -> None:
    @flow
    def calls() -> None:
        with pytest.raises(errors.InvalidArgument, match="same length: 0 has 2, 1 has 3"):
            add.map([1, 2], [1, 2, 3])
        with pytest.raises(errors.InvalidArgument, match="use submit"):
            double.map(3)
        assert double.map([]) == []

    calls()


def test_futures_tell_when_they_are_done(runs: LocalRuns) -> None:
    gate = threading.Event()
    told: list[str] = []

    @task
    def held(number: int) -> int:
        assert gate.wait(WAIT)
        return number

    @flow
    def calls() -> None:
        future: Future[int] = held.submit(3)
        future.add_done_callback(lambda done: told.append(done.name))
        assert not future.done()
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        gate.set()
        future.wait(WAIT)
        assert future.done()
        assert future.state.is_completed()
        future.add_done_callback(lambda done: told.append("late"))
        assert future.result() == 3

    calls()
    assert told == ["held-0", "late"]


def test_as_completed_and_wait(runs: LocalRuns) -> None:
    gate = threading.Event()

    @task
    def held(last: bool) -> bool:
        if last:
            assert gate.wait(WAIT)
        return last

    @flow
    def calls() -> None:
        slow, fast = held.submit(True), held.submit(False)
        order = []
        for future in as_completed([slow, fast], timeout=WAIT):
            order.append(future.result())
            gate.set()
        assert order == [False, True]
        assert wait([slow, fast]).done == {slow, fast}
        gate.clear()
        again = held.submit(True)
        done, not_done = wait([again, fast], timeout=0.01)
        assert (done, not_done) == ({fast}, {again})
        with pytest.raises(TimeoutError, match="1 of 1"):
            list(as_completed([again], timeout=0.01))
        gate.set()

    calls()


def test_a_task_that_waits_for_others_gives_its_place_up(runs: LocalRuns) -> None:
    @task
    def deep(depth: int) -> int:
        return 1 if depth == 0 else deep.submit(depth - 1).result() + 1

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def calls() -> int:
        return deep.submit(10).result()

    assert calls() == 11


def test_the_flow_waits_for_what_it_submitted(runs: LocalRuns) -> None:
    finished = []

    @task
    def slow() -> None:
        time.sleep(0.05)
        finished.append(1)

    @flow
    def calls() -> None:
        for _ in range(3):
            slow.submit()

    calls()
    assert len(finished) == 3
    assert {run.state.name for run in runs.task_runs()} == {"Completed"}


def test_a_flow_that_fails_does_not_start_what_still_waits(runs: LocalRuns) -> None:
    gate = threading.Event()
    started = []

    @task
    def held(number: int) -> None:
        started.append(number)
        assert gate.wait(WAIT)

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def calls() -> None:
        held.map([1, 2, 3])
        while not started:
            time.sleep(0.001)
        threading.Timer(0.05, gate.set).start()
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        calls()
    assert started == [1]
    assert sorted(run.state.name for run in runs.task_runs()) == ["Cancelled", "Cancelled", "Completed"]


async def test_futures_can_be_awaited(runs: LocalRuns) -> None:
    @task
    async def fetch(number: int) -> int:
        await asyncio.sleep(0.01)
        return number

    @flow
    async def calls() -> list[int]:
        futures = [fetch.submit(number) for number in range(20)]
        beat = asyncio.create_task(asyncio.sleep(0))
        found = [await future for future in futures]
        assert beat.done()
        return [*found, await double.submit(4)]

    assert await calls() == [*range(20), 8]


async def test_coroutine_functions_submitted_run_at_once_up_to_the_limit(runs: LocalRuns) -> None:
    running: list[int] = []
    most: list[int] = []

    @task
    async def work(number: int) -> None:
        running.append(number)
        most.append(len(running))
        await asyncio.sleep(0.01)
        running.remove(number)

    @flow(task_runner=ThreadTaskRunner(max_workers=3))
    async def calls() -> None:
        for future in work.map(range(9)):
            await future

    await calls()
    assert max(most) == 3


def test_coroutine_functions_can_be_submitted_from_synchronous_flows(runs: LocalRuns) -> None:
    @task
    async def fetch(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @flow
    def calls() -> int:
        return fetch.submit(3).result()

    assert calls() == 3


async def test_waiting_in_the_loop_of_asynchronous_tasks_is_refused(runs: LocalRuns) -> None:
    @task
    async def inner() -> int:
        await asyncio.sleep(0.05)
        return 1

    @task
    async def outer() -> int:
        future = inner.submit()
        with pytest.raises(RuntimeError, match="await future"):
            future.result()
        return await future

    @flow
    async def calls() -> int:
        return await outer.submit()

    assert await calls() == 1


def test_a_quoted_argument_is_not_searched(runs: LocalRuns) -> None:
    @task
    def kind(values: list[Any]) -> str:
        return type(values[0]).__name__

    @flow
    def calls() -> list[str]:
        future = double.submit(1)
        return [kind.submit([future]).result(), kind.submit(quote([future])).result()]

    assert calls() == ["int", "Future"]


def test_a_great_many_submitted_tasks_all_run(runs: LocalRuns) -> None:
    @flow
    def calls() -> int:
        return sum(double.map(range(5000)).result())

    assert calls() == 5000 * 4999
    assert len(runs.task_runs()) == 5000


def test_results_of_direct_calls_become_edges(runs: LocalRuns) -> None:
    @task
    def extract() -> list[dict[str, int]]:
        return [{"a": 1}, {"a": 2}]

    @task
    def load(rows: list[dict[str, int]]) -> int:
        return len(rows)

    @flow
    def calls() -> None:
        rows = extract()
        load(rows)
        load([*rows])

    calls()
    extracted, loaded, copied = runs.task_runs()
    assert loaded.upstream == (extracted.task_run_id,)
    assert copied.upstream == ()


def test_a_submitted_task_that_is_replayed_goes_through_no_states_again(runs: LocalRuns) -> None:
    tries = []

    @task(persist_result=True)
    def kept() -> int:
        return 1

    @task(cache_policy=None)
    def again() -> int:
        return 2

    @flow(retries=1)
    def flaky() -> int:
        total = kept.submit().result() + again.submit().result()
        tries.append(total)
        if len(tries) == 1:
            raise OSError("down")
        return total

    assert flaky() == 3
    states = {run.name: [state.name for state in run.states] for run in runs.task_runs()}
    assert states == {
        "kept-0": ["Running", "Completed"],
        "again-0": ["Running", "Completed", "Retrying", "Completed"],
    }
