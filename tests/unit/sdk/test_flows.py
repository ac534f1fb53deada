from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from headrace import errors, flow, get_flow_run, get_run_context, runtime, tags, task
from headrace.outcomes import CancelledRun
from headrace.states import Cancelled, Completed, Failed, State, StateType
from headrace.testing import LocalRuns


@task
def double(number: int) -> int:
    return number * 2


def state_names(runs: LocalRuns, flow_name: str | None = None) -> list[list[str]]:
    return [[state.name for state in run.states] for run in runs.flow_runs(flow_name)]


def test_a_flow_returns_its_value_and_leaves_a_run(runs: LocalRuns) -> None:
    @flow
    def say_hello(name: str = "you") -> str:
        return f"hello {name}"

    assert say_hello("me") == "hello me"
    (run,) = runs.flow_runs()
    assert run.flow_name == "say-hello"
    assert run.name
    assert run.parameters == {"name": "me"}
    assert state_names(runs) == [["Running", "Completed"]]


def test_an_exception_ends_the_run_as_failed_and_reaches_the_caller(runs: LocalRuns) -> None:
    class OwnError(Exception):
        pass

    @flow
    def broken() -> None:
        raise OwnError("torn")

    with pytest.raises(OwnError, match="torn"):
        broken()
    state = runs.flow_runs()[0].state
    assert (state.type, state.message) == (StateType.FAILED, "OwnError: torn")
    assert state.details is not None
    assert "in broken" in state.details.traceback


def test_a_failed_task_fails_the_flow_only_if_it_is_not_caught(runs: LocalRuns) -> None:
    @task
    def explode() -> int:
        raise ValueError("boom")

    @flow
    def careful() -> str:
        explode.submit().wait()
        return "fine"

    @flow
    def careless() -> None:
        explode()

    assert careful() == "fine"
    with pytest.raises(ValueError, match="boom"):
        careless()


def test_returned_futures_and_states_decide_how_the_run_ends(runs: LocalRuns) -> None:
    @task
    def explode() -> int:
        raise ValueError("boom")

    @flow
    def one_of_two() -> Any:
        return [double.submit(1), explode.submit()]

    @flow
    def both() -> Any:
        return {"a": double.submit(1), "b": [double.submit(2)], "c": 3}

    @flow
    def named() -> Any:
        return Completed(name="Skipped", message="nothing to do")

    @flow
    def refused() -> Any:
        return Failed(message="not today")

    @flow
    def stopped() -> Any:
        return Cancelled(message="no need")

    with pytest.raises(ValueError, match="boom"):
        one_of_two()
    assert both() == {"a": 2, "b": [4], "c": 3}
    assert named() is None
    with pytest.raises(errors.HeadraceError, match="not today"):
        refused()
    with pytest.raises(CancelledRun, match="no need"):
        stopped()
    assert [run.state.name for run in runs.flow_runs()] == ["Failed", "Completed", "Skipped", "Failed", "Cancelled"]
    assert runs.flow_runs()[0].state.message == "1/2 states failed."


def test_a_flow_is_tried_again_and_counts_its_tries(runs: LocalRuns) -> None:
    tries = []

    @flow(retries=2, retry_delay_seconds=0.01)
    def flaky() -> int:
        tries.append(runtime.flow_run.run_count)
        double(len(tries))
        if len(tries) < 3:
            raise ValueError("again")
        return len(tries)

    assert flaky() == 3
    assert tries == [1, 2, 3]
    assert state_names(runs) == [
        ["Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed"],
    ]
    # The same call is the same task run.
    assert len({run.task_run_id for run in runs.task_runs()}) == 1


def test_a_retry_does_not_repeat_tasks_whose_results_are_kept(runs: LocalRuns) -> None:
    done: list[str] = []

    @task(persist_result=True)
    def kept(name: str) -> str:
        done.append(name)
        return name.upper()

    @task
    def forgotten(name: str) -> str:
        done.append(name)
        return name

    @flow(retries=1)
    def flaky() -> list[str]:
        found = [kept("a"), kept.submit("b").result(), forgotten("c")]
        if done.count("c") == 1:
            raise ValueError("again")
        return found

    assert flaky() == ["A", "B", "c"]
    assert done == ["a", "b", "c", "c"]


def test_a_subflow_is_a_run_of_its_own_with_a_task_run_that_stands_for_it(runs: LocalRuns) -> None:
    @flow
    def child(number: int) -> int:
        assert runtime.flow_run.parent_flow_run_id is not None
        return double(number)

    @flow
    def parent() -> int:
        return child("3") + child(4)  # type: ignore[call-overload,no-any-return]

    assert parent() == 14
    mother, first, second = runs.flow_runs()
    assert [run.parent_flow_run_id for run in (first, second)] == [mother.flow_run_id] * 2
    stand_ins = runs.task_runs(mother.flow_run_id)
    assert [run.child_flow_run_id for run in stand_ins] == [first.flow_run_id, second.flow_run_id]
    assert [run.task_run_id for run in stand_ins] == [first.parent_task_run_id, second.parent_task_run_id]
    assert [run.state.name for run in stand_ins] == ["Completed", "Completed"]


def test_a_failed_subflow_raises_in_its_parent_which_may_go_on(runs: LocalRuns) -> None:
    @flow
    def child() -> None:
        raise ValueError("small")

    @flow
    def parent() -> str:
        with pytest.raises(ValueError, match="small"):
            child()
        return child(return_state=True).name

    assert parent() == "Failed"
    assert [run.state.name for run in runs.flow_runs()] == ["Completed", "Failed", "Failed"]
    assert [run.state.name for run in runs.task_runs()] == ["Failed", "Failed"]


async def test_asynchronous_flows_and_subflows_side_by_side(runs: LocalRuns) -> None:
    both = asyncio.Event()
    arrived = []

    @flow
    async def child(number: int) -> int:
        arrived.append(number)
        if len(arrived) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 60)
        return number * 10

    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(child(1), child(2)))

    assert await parent() == [10, 20]
    parents = {run.parent_flow_run_id for run in runs.flow_runs("child")}
    assert parents == {runs.flow_runs("parent")[0].flow_run_id}


async def test_asynchronous_flows_are_tried_again(runs: LocalRuns) -> None:
    tries = []

    @flow(retries=1)
    async def flaky() -> int:
        tries.append(1)
        await asyncio.sleep(0)
        if len(tries) == 1:
            raise OSError("down")
        return 5

    assert await flaky() == 5
    assert state_names(runs) == [["Running", "AwaitingRetry", "Retrying", "Completed"]]


def test_hooks_of_flows(runs: LocalRuns) -> None:
    told: list[tuple[str, str, str]] = []

    def tell(flow: Any, run: Any, state: State[Any]) -> None:
        told.append((flow.name, run.name, state.name))

    async def tell_later(flow: Any, run: Any, state: State[Any]) -> None:
        told.append(("later", run.name, state.name))

    @flow(flow_run_name="r{fails}", on_running=tell, on_completion=[tell_later], on_failure=tell)
    def work(fails: bool) -> None:
        if fails:
            raise ValueError("x")

    work(False)
    with pytest.raises(ValueError, match="x"):
        work(True)
    assert told == [
        ("work", "rFalse", "Running"),
        ("later", "rFalse", "Completed"),
        ("work", "rTrue", "Running"),
        ("work", "rTrue", "Failed"),
    ]


def test_names_and_tags_of_runs(runs: LocalRuns) -> None:
    @flow(flow_run_name="of {day:%A}")
    def named(day: datetime.date) -> None: ...

    @flow(flow_run_name=lambda: "made")
    def made() -> None: ...

    with tags("b", "a"):
        named("2024-05-01")  # type: ignore[call-overload]
    made()
    assert [(run.name, run.tags) for run in runs.flow_runs()] == [("of Wednesday", ("a", "b")), ("made", ())]


def test_a_broken_name_fails_the_run(runs: LocalRuns) -> None:
    @flow(flow_run_name="{nothing}")
    def named(day: int) -> None: ...

    with pytest.raises(errors.InvalidArgument, match="parameters are: day"):
        named(1)
    assert runs.flow_runs()[0].state.name == "Failed"


def test_methods_can_be_flows(runs: LocalRuns) -> None:
    class Pipeline:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        @flow
        def run(self, number: int) -> int:
            return self.factor * double(number)

    assert Pipeline(5).run("2") == 20  # type: ignore[call-overload]
    assert runs.flow_runs()[0].parameters == {"number": 2}


def test_runtime_tells_about_the_run(runs: LocalRuns) -> None:
    seen: dict[str, Any] = {}

    @flow(version="v7", flow_run_name="n")
    def asks(number: int) -> None:
        run = runtime.flow_run
        seen.update(
            id=run.id,
            name=run.name,
            flow=run.flow_name,
            version=run.flow_version,
            parameters=run.parameters,
            parent=run.parent_flow_run_id,
            root=run.root_flow_run_id,
            due=run.scheduled_start_time,
            deployment=runtime.deployment.id,
            task=runtime.task_run.id,
        )

    asks(1)
    (run,) = runs.flow_runs()
    assert isinstance(seen.pop("due"), datetime.datetime)
    assert seen == {
        "id": run.flow_run_id,
        "name": "n",
        "flow": "asks",
        "version": "v7",
        "parameters": {"number": 1},
        "parent": None,
        "root": run.flow_run_id,
        "deployment": None,
        "task": None,
    }


def test_runtime_tells_about_a_task_run(runs: LocalRuns) -> None:
    seen: list[dict[str, Any]] = []

    def note() -> None:
        run = runtime.task_run
        seen.append({"name": run.name, "parameters": run.parameters, "count": run.run_count, "ui": run.ui_url})
        assert get_run_context().id == run.id

    @task
    def inner(number: int, factor: int = 2) -> int:
        note()
        return number * factor

    @task
    async def later(number: int) -> None:
        note()

    @task
    def items(number: int) -> Iterator[int]:
        note()
        yield number

    @flow
    def calls() -> None:
        assert get_run_context() is get_flow_run()
        future = inner.submit(3)
        inner(future)  # type: ignore[call-overload]
        later.submit(number=1).wait()
        list(items(9))

    calls()
    assert [each["parameters"] for each in seen] == [
        {"number": 3, "factor": 2},
        {"number": 6, "factor": 2},
        {"number": 1},
        {"number": 9},
    ]
    assert {each["ui"] for each in seen} == {None}
    assert runtime.task_run.parameters == {}
    with pytest.raises(errors.HeadraceError, match="no run here"):
        get_run_context()
