from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from headrace import flow, task
from headrace.outcomes import CancelInterrupt, CancelledRun, TimedOut
from headrace.states import StateType
from headrace.testing import LocalRuns


@task
def double(number: int) -> int:
    return number * 2


def test_time_is_over_for_a_flow(runs: LocalRuns) -> None:
    @flow(timeout_seconds=0.05)
    def slow() -> None:
        time.sleep(30)

    with pytest.raises(TimedOut, match=r"took longer than 0\.05 s"):
        slow()
    assert runs.flow_runs()[0].state.name == "TimedOut"


def test_time_of_a_flow_is_over_within_a_task(runs: LocalRuns) -> None:
    @task
    def forever() -> None:
        while True:
            time.sleep(0.005)

    @flow(timeout_seconds=0.05)
    def slow() -> None:
        forever()

    with pytest.raises(TimedOut):
        slow()
    assert runs.task_runs()[0].state.type is StateType.CANCELLED


def test_tasks_that_still_run_are_stopped_when_the_time_of_their_flow_is_over(runs: LocalRuns) -> None:
    @task
    def spin(number: int) -> None:
        while True:
            time.sleep(0.005)

    @flow(timeout_seconds=0.1)
    def slow() -> None:
        spin.map(range(3)).wait()

    with pytest.raises(TimedOut):
        slow()
    assert {run.state.type for run in runs.task_runs()} == {StateType.CANCELLED}


def test_flows_in_threads_of_the_users_own_can_be_stopped_one_by_one(runs: LocalRuns) -> None:
    started: dict[int, Any] = {}
    ended: dict[int, str] = {}

    @flow(on_running=lambda flow, run, state: started.update({run.parameters["number"]: run}))
    def spin(number: int, rounds: int) -> None:
        for _ in range(rounds):
            time.sleep(0.005)

    def work(number: int, rounds: int) -> None:
        ended[number] = spin(number, rounds, return_state=True).name

    context = [contextvars.copy_context() for _ in range(2)]
    threads = [
        threading.Thread(target=context[number].run, args=(work, number, rounds))
        for number, rounds in ((0, 10_000), (1, 30))
    ]
    for thread in threads:
        thread.start()
    while len(started) < 2:
        time.sleep(0.001)
    started[0].stop(CancelInterrupt, "only this one")
    for thread in threads:
        thread.join()
    assert ended == {0: "Cancelled", 1: "Completed"}


async def test_time_is_over_for_an_asynchronous_flow(runs: LocalRuns) -> None:
    @flow(timeout_seconds=0.05)
    async def slow() -> None:
        await asyncio.sleep(30)

    with pytest.raises(TimedOut):
        await slow()
    assert runs.flow_runs()[0].state.name == "TimedOut"


def cancel_soon(found: list[Any]) -> None:
    def cancel() -> None:
        while not found:
            time.sleep(0.001)
        time.sleep(0.02)
        found[0].stop(CancelInterrupt, "by hand")

    threading.Thread(target=cancel).start()


def test_a_cancelled_flow_stops_where_it_is(runs: LocalRuns) -> None:
    from_hook: list[Any] = []
    told: list[str] = []

    @task
    def sleep() -> None:
        time.sleep(30)

    @flow(
        on_running=lambda flow, run, state: from_hook.append(run),
        on_cancellation=lambda flow, run, state: told.append(state.name),
    )
    def slow() -> None:
        try:
            sleep()
        except Exception:
            pytest.fail("cancelling is no Exception")

    cancel_soon(from_hook)
    with pytest.raises(CancelledRun, match="by hand"):
        slow()
    assert runs.flow_runs()[0].state.type is StateType.CANCELLED
    assert runs.task_runs()[0].state.type is StateType.CANCELLED
    assert told == ["Cancelled"]


def test_a_cancelled_flow_stops_its_threads_and_what_waits(runs: LocalRuns) -> None:
    from_hook: list[Any] = []
    submitted: list[Any] = []

    @task
    def spin(number: int) -> None:
        while True:
            time.sleep(0.005)

    @flow(on_running=lambda flow, run, state: from_hook.append(run))
    def slow() -> None:
        futures = spin.map(range(100))
        submitted.append(from_hook[0])
        futures.result()

    cancel_soon(submitted)
    with pytest.raises(CancelledRun):
        slow()
    assert {run.state.type for run in runs.task_runs()} == {StateType.CANCELLED}
    assert len(runs.task_runs()) == 100


def test_a_parent_that_is_cancelled_takes_its_subflow_along(runs: LocalRuns) -> None:
    from_hook: list[Any] = []

    @flow
    def child() -> None:
        time.sleep(30)

    @flow(on_running=lambda flow, run, state: from_hook.append(run))
    def parent() -> None:
        child()

    cancel_soon(from_hook)
    with pytest.raises(CancelledRun):
        parent()
    assert [run.state.type for run in runs.flow_runs()] == [StateType.CANCELLED] * 2


def test_a_cancelled_subflow_is_an_error_in_its_parent(runs: LocalRuns) -> None:
    from_hook: list[Any] = []

    @flow(on_running=lambda flow, run, state: from_hook.append(run))
    def child() -> None:
        time.sleep(30)

    @flow
    def parent() -> str:
        with pytest.raises(CancelledRun):
            child()
        return "went on"

    cancel_soon(from_hook)
    assert parent() == "went on"
    assert [run.state.type for run in runs.flow_runs()] == [StateType.COMPLETED, StateType.CANCELLED]


async def test_a_cancelled_asynchronous_flow_stops_where_it_is(runs: LocalRuns) -> None:
    from_hook: list[Any] = []
    cleaned = []

    @task
    async def sleep() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.append(1)

    @flow(on_running=lambda flow, run, state: from_hook.append(run))
    async def slow() -> None:
        await asyncio.gather(sleep(), sleep())

    cancel_soon(from_hook)
    with pytest.raises(CancelledRun):
        await slow()
    assert cleaned == [1, 1]
    assert runs.flow_runs()[0].state.type is StateType.CANCELLED
    assert {run.state.type for run in runs.task_runs()} == {StateType.CANCELLED}


async def test_an_asynchronous_flow_that_its_caller_cancels_has_crashed(runs: LocalRuns) -> None:
    @flow
    async def slow() -> None:
        await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow(), 0.05)
    assert runs.flow_runs()[0].state.type is StateType.CRASHED


def test_sigterm_ends_the_run_as_crashed_and_the_process_with_143(runs: LocalRuns) -> None:
    @flow
    def slow() -> None:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    with pytest.raises(SystemExit) as caught:
        slow()
    assert caught.value.code == 143
    state = runs.flow_runs()[0].state
    assert (state.type, state.message) == (StateType.CRASHED, "the process was asked to end (SIGTERM)")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.fixture
def control_c() -> Iterator[None]:
    """Let SIGINT interrupt: shells start what runs in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_control_c_ends_the_run_as_crashed(runs: LocalRuns, control_c: None) -> None:
    @flow
    def slow() -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        slow()
    assert runs.flow_runs()[0].state.type is StateType.CRASHED
