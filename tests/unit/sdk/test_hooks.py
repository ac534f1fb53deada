"""Hooks: given as options and as decorators, on flows and tasks of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from headrace import errors, flow, task
from headrace.outcomes import CancelInterrupt
from headrace.states import Cancelled, Completed, State
from headrace.testing import LocalRuns


def test_decorators_add_hooks_in_order_and_leave_the_function_alone(runs: LocalRuns) -> None:
    heard: list[str] = []

    @task(on_completion=lambda *_: heard.append("option"))
    def work() -> int:
        return 1

    @work.on_completion
    def first(task_: Any, run: Any, state: State[Any]) -> None:
        heard.append(f"{task_.name} {run.name} {state.name}")

    @work.on_running
    async def second(task_: Any, run: Any, state: State[Any]) -> None:
        heard.append(state.name)

    @flow
    def calls() -> int:
        return work()

    @calls.on_running
    @calls.on_completion
    def third(flow_: Any, run: Any, state: State[Any]) -> None:
        heard.append(f"{flow_.name} {state.name}")

    assert calls() == 1
    assert heard == ["calls Running", "Running", "option", "work work-0 Completed", "calls Completed"]
    assert callable(first)
    first(work, calls, Completed())
    assert heard[-1] == "work calls Completed"


def test_a_copy_with_options_keeps_the_hooks_and_adds_its_own(runs: LocalRuns) -> None:
    heard: list[str] = []

    @task
    def fails() -> None:
        raise ValueError("boom")

    fails.on_failure(lambda *_: heard.append("all"))
    other = fails.with_options(name="other")
    other.on_failure(lambda *_: heard.append("other"))

    @flow
    def calls() -> None:
        fails(return_state=True)
        other(return_state=True)

    calls()
    assert heard == ["all", "all", "other"]


def test_hooks_of_a_method_hold_for_every_object(runs: LocalRuns) -> None:
    heard: list[int] = []

    class Store:
        def __init__(self, number: int) -> None:
            self.number = number

        @task
        def load(self) -> int:
            return self.number

        @load.on_completion
        def loaded(task_: Any, run: Any, state: State[Any]) -> None:
            heard.append(state.result())

    @flow
    def calls() -> None:
        for number in range(2):
            Store(number).load()

    calls()
    assert heard == [0, 1]


@pytest.mark.parametrize(
    ("decorator", "state"),
    [("on_cancellation", Cancelled(message="enough")), ("on_completion", Completed(name="Skipped"))],
)
def test_flow_hooks_follow_the_state_that_was_returned(runs: LocalRuns, decorator: str, state: State[Any]) -> None:
    heard: list[str] = []

    @flow
    def ends() -> State[Any]:
        return state

    getattr(ends, decorator)(lambda flow_, run, ended: heard.append(ended.name))
    assert ends(return_state=True).name == state.name
    assert heard == [state.name]


def test_a_crashed_flow_calls_its_hooks(runs: LocalRuns) -> None:
    heard: list[str] = []

    @flow
    def leaves() -> None:
        raise SystemExit(3)

    leaves.on_crashed(lambda flow_, run, state: heard.append(state.name))
    leaves.on_failure(lambda *_: heard.append("never"))
    with pytest.raises(SystemExit):
        leaves()
    assert heard == ["Crashed"]


def test_a_task_that_was_stopped_calls_no_failure_hook(runs: LocalRuns) -> None:
    heard: list[str] = []

    @task(on_failure=lambda *_: heard.append("failure"), on_completion=lambda *_: heard.append("completion"))
    def stops() -> None:
        raise CancelInterrupt("enough")

    @flow
    def calls() -> None:
        stops.submit().wait()

    calls()
    assert heard == []


def test_what_is_no_function_cannot_be_a_hook() -> None:
    with pytest.raises(errors.InvalidArgument, match="on_commit"):

        @task(on_commit=[3])  # type: ignore[list-item]
        def work() -> None: ...


def test_a_result_that_memory_lets_go_is_read_from_storage(runs: LocalRuns) -> None:
    @task(persist_result=True, cache_result_in_memory=False)
    def load(number: int) -> list[int]:
        return [number]

    @flow(persist_result=True, cache_result_in_memory=False)
    def inner() -> list[int]:
        return [4]

    @flow
    def calls() -> None:
        future = load.submit(1)
        assert future.result() == [1]
        assert future.result() is not future.result()
        assert load(2) == [2]
        state = load(3, return_state=True)
        assert not state.has_data
        assert state.result() == [3]
        below = inner(return_state=True)
        assert not below.has_data
        assert below.result() == [4]

    calls()
