from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from headrace import exponential_backoff, flow, runtime, task
from headrace.outcomes import NotRetriable, TimedOut
from headrace.states import Failed, State
from headrace.testing import LocalRuns


def names_of(runs: LocalRuns) -> dict[str, list[str]]:
    return {run.name: [state.name for state in run.states] for run in runs.task_runs()}


def test_a_failed_run_is_tried_again_as_often_as_allowed(runs: LocalRuns) -> None:
    tries = []

    @task(retries=2)
    def flaky(needed: int) -> int:
        tries.append(runtime.task_run.run_count)
        if len(tries) < needed:
            raise ValueError("not yet")
        return len(tries)

    @flow
    def calls() -> int:
        return flaky(3)

    assert calls() == 3
    assert tries == [1, 2, 3]
    (run,) = runs.task_runs()
    assert [state.name for state in run.states] == [
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    assert run.run_count == 3
    assert "retry 1 of 2" in run.states[1].message


def test_retries_end_and_the_last_error_is_raised(runs: LocalRuns) -> None:
    tries = []

    @task(retries=1)
    def hopeless() -> None:
        tries.append(1)
        raise ValueError(f"try {len(tries)}")

    @flow
    def calls() -> None:
        hopeless()

    with pytest.raises(ValueError, match="try 2"):
        calls()
    assert names_of(runs)["hopeless-0"][-1] == "Failed"


def test_waits_between_retries_follow_the_list(runs: LocalRuns) -> None:
    times: list[float] = []

    @task(retries=3, retry_delay_seconds=[0.01, 0.06])
    def flaky() -> None:
        times.append(time.monotonic())
        if len(times) < 4:
            raise ValueError("again")

    @flow
    def calls() -> None:
        flaky()

    calls()
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits[0] >= 0.01
    assert waits[1] >= 0.06
    assert waits[2] >= 0.06


def test_exponential_backoff_doubles() -> None:
    assert exponential_backoff(2)(4) == [2, 4, 8, 16]

    @task(retries=3, retry_delay_seconds=exponential_backoff(1))
    def flaky() -> None: ...

    assert flaky.retry_delays == (1, 2, 4)


def test_a_condition_decides_about_retries(runs: LocalRuns) -> None:
    seen: list[Any] = []

    def only_timeouts(task: Any, run: Any, state: State[Any]) -> bool:
        seen.append((task.name, run.name, state.message))
        return isinstance(state.data, TimeoutError)

    @task(retries=5, retry_condition_fn=only_timeouts)
    def fetch(error: Exception) -> None:
        raise error

    @flow
    def calls() -> None:
        fetch(ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        calls()
    assert seen == [("fetch", "fetch-0", "ValueError: no")]


def test_a_synchronous_task_is_ended_when_its_time_is_over(runs: LocalRuns) -> None:
    @task(timeout_seconds=0.05)
    def slow() -> None:
        # Longer than a test may take.
        time.sleep(600)

    @flow
    def calls() -> None:
        slow()

    with pytest.raises(TimedOut, match=r"slow-0 took longer than 0\.05 s"):
        calls()
    state = runs.task_runs()[0].state
    assert (state.type, state.name) == ("FAILED", "TimedOut")
    assert state.details is not None
    assert state.details.reason == "TIMED_OUT"


def test_time_is_over_in_threads_too(runs: LocalRuns) -> None:
    @task(timeout_seconds=0.05)
    def spin() -> None:
        while True:
            time.sleep(0.001)

    @flow
    def calls() -> None:
        spin.submit().result()

    with pytest.raises(TimedOut):
        calls()


def test_a_timeout_of_the_users_own_is_not_ours(runs: LocalRuns) -> None:
    @task(timeout_seconds=30)
    def ask() -> None:
        raise TimeoutError("the other side is slow")

    @flow
    def calls() -> None:
        with pytest.raises(TimeoutError, match="the other side"):
            ask()

    calls()
    assert runs.task_runs()[0].state.name == "Failed"


def test_what_is_not_retriable_is_not_tried_again(runs: LocalRuns) -> None:
    tries: list[str] = []

    @task(retries=3)
    def hopeless() -> None:
        tries.append("task")
        raise NotRetriable("the file is damaged")

    @flow(retries=3)
    def raises() -> None:
        tries.append("flow")
        hopeless()

    @flow(retries=1)
    def returns(retriable: bool) -> State[Any]:
        tries.append("returns")
        return Failed(message="no", retriable=retriable)

    with pytest.raises(NotRetriable, match="damaged"):
        raises()
    assert tries == ["flow", "task"]
    (run,) = runs.task_runs()
    assert run.state.details is not None
    assert run.state.details.retriable is False
    assert returns(False, return_state=True).is_failed()
    assert returns(True, return_state=True).is_failed()
    assert tries.count("returns") == 3
