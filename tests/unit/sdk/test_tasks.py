from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from headrace import errors, flow, get_flow_run, get_run_logger, get_task_run, runtime, tags, task
from headrace.outcomes import MissingContext
from headrace.states import Completed, Failed, State
from headrace.testing import LocalRuns


def names_of(runs: LocalRuns) -> dict[str, list[str]]:
    return {run.name: [state.name for state in run.states] for run in runs.task_runs()}


def test_a_call_runs_here_and_returns_the_value(runs: LocalRuns) -> None:
    @task
    def double(number: int) -> int:
        return number * 2

    @flow
    def calls() -> list[int]:
        return [double(1), double(number=2)]

    assert calls() == [2, 4]
    assert names_of(runs) == {"double-0": ["Running", "Completed"], "double-1": ["Running", "Completed"]}


def test_a_call_that_does_not_fit_is_refused_before_there_is_a_run(runs: LocalRuns) -> None:
    @task
    def add(left: int, right: int = 0, *, carry: int = 0) -> int:
        return left + right + carry

    @flow
    def calls() -> None:
        for bad in (lambda: add(), lambda: add(1, 2, 3), lambda: add(1, wrong=2), lambda: add.submit()):  # type: ignore[call-overload]
            with pytest.raises(TypeError, match="add"):
                bad()
        assert add(1, carry=3) == 4

    calls()
    assert len(runs.task_runs()) == 1


def test_a_failed_task_raises_its_own_exception_and_keeps_the_traceback(runs: LocalRuns) -> None:
    @task
    def explode() -> None:
        raise KeyError("missing")

    @flow
    def calls() -> str:
        with pytest.raises(KeyError, match="missing"):
            explode()
        return "went on"

    assert calls() == "went on"
    state = runs.task_runs()[0].state
    assert state.name == "Failed"
    assert state.message == "KeyError: 'missing'"
    assert state.details is not None
    assert state.details.error_type == "KeyError"
    assert "in explode" in state.details.traceback


def test_hooks_are_told_of_states(runs: LocalRuns) -> None:
    told: list[tuple[str, str, str]] = []

    def tell(task: Any, run: Any, state: State[Any]) -> None:
        told.append((task.name, run.name, state.name))

    async def tell_later(task: Any, run: Any, state: State[Any]) -> None:
        await asyncio.sleep(0)
        told.append(("later", run.name, state.name))

    def broken(task: Any, run: Any, state: State[Any]) -> None:
        raise RuntimeError("hook")

    @task(on_running=tell, on_completion=[broken, tell_later], on_failure=[tell])
    def work(fails: bool) -> None:
        if fails:
            raise ValueError("x")

    @flow
    def calls() -> None:
        work(False)
        with pytest.raises(ValueError, match="x"):
            work(True)

    calls()
    assert told == [
        ("work", "work-0", "Running"),
        ("later", "work-0", "Completed"),
        ("work", "work-1", "Running"),
        ("work", "work-1", "Failed"),
    ]
    assert any("hook broken" in line.message.lower() for line in runs.logs())


def test_a_returned_state_is_the_runs_state(runs: LocalRuns) -> None:
    @task
    def skip() -> Any:
        return Completed(name="Skipped", message="nothing to do", data=7)

    @task
    def refuse() -> Any:
        return Failed(message="not today")

    @flow
    def calls() -> Any:
        with pytest.raises(errors.HeadraceError, match="not today"):
            refuse()
        return skip()

    assert calls() == 7
    assert names_of(runs) == {"refuse-0": ["Running", "Failed"], "skip-0": ["Running", "Skipped"]}


def test_the_state_can_be_asked_for_in_place_of_the_value(runs: LocalRuns) -> None:
    @task
    def divide(by: int) -> float:
        return 1 / by

    @flow
    def calls() -> None:
        good = divide(2, return_state=True)
        bad = divide(0, return_state=True)
        assert good.is_completed()
        assert good.result() == 0.5
        assert bad.is_failed()
        assert isinstance(bad.result(raise_on_failure=False), ZeroDivisionError)
        with pytest.raises(ZeroDivisionError):
            bad.result()

    calls()


def test_names_come_from_templates_and_functions(runs: LocalRuns) -> None:
    @task(task_run_name="load {table} of {day:>4}")
    def load(table: str, day: int = 7) -> None: ...

    @task(task_run_name=lambda parameters: f"keep {parameters['what']}")
    def keep(what: str) -> None: ...

    @task(task_run_name="{nothing}")
    def broken() -> None: ...

    @flow
    def calls() -> None:
        load("users")
        keep("it")
        with pytest.raises(errors.InvalidArgument, match="names 'nothing'; parameters are: none"):
            broken()

    calls()
    assert [run.name for run in runs.task_runs()] == ["load users of    7", "keep it", "broken-0"]


def test_tags_are_those_of_the_task_and_of_the_block(runs: LocalRuns) -> None:
    @task(tags=["own"])
    def work() -> None: ...

    @flow
    def calls() -> None:
        work()
        with tags("outer"), tags("inner"):
            work.submit().result()

    calls()
    assert [run.tags for run in runs.task_runs()] == [("own",), ("inner", "outer", "own")]


def test_tasks_can_call_tasks_and_keep_their_numbers_apart(runs: LocalRuns) -> None:
    @task
    def leaf(number: int) -> int:
        return number

    @task
    def branch(number: int) -> int:
        return leaf(number) + leaf(number)

    @flow
    def calls() -> int:
        return branch(1) + branch(2) + leaf(3)

    assert calls() == 9
    keys = [(run.name, run.dynamic_key) for run in runs.task_runs() if run.name.startswith("leaf")]
    assert len({key for _, key in keys}) == 5
    assert keys[-1] == ("leaf-0", "0")


def test_a_task_outside_of_a_flow_is_recorded_by_itself(runs: LocalRuns) -> None:
    tries = []

    @task(retries=1)
    def flaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("first")
        get_run_logger().info("here")
        return "ok"

    @task
    def outer() -> str:
        return flaky()

    assert flaky() == "ok"
    assert outer() == "ok"
    assert runs.flow_runs() == []
    assert [(run.name, run.flow_run_id, run.state.name) for run in runs.task_runs()] == [
        ("flaky-0", "", "Completed"),
        ("outer-0", "", "Completed"),
        ("flaky-0", "", "Completed"),
    ]
    with pytest.raises(errors.HeadraceError, match="from within a flow"):
        flaky.submit()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"retry_delay_seconds": [1, -1]}, "retry_delay_seconds"),
        ({"retry_delay_seconds": "soon"}, "must be numbers, not 'soon'"),
        ({"retry_delay_seconds": [1, None]}, "must be numbers"),
        ({"cache_policy": 3}, "must be a policy such as headrace.caching.INPUTS, not 3"),
        ({"retry_delay_seconds": [0] * 51}, "more than 50"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"retry_jitter_factor": -1}, "retry_jitter_factor"),
        ({"result_serializer": "xml"}, "result_serializer"),
        ({"tags": "one"}, "tags"),
        ({"on_failure": [3]}, "on_failure"),
        ({"name": " "}, "name"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=said):
        task(**options)(lambda: None)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="cache_expires"):
        task(cache_expires=3)(lambda: None)  # type: ignore[call-overload]


def test_options_can_be_changed_in_a_copy(runs: LocalRuns) -> None:
    @task(retries=3, tags=["a"])
    def work() -> None:
        """Works."""

    changed = work.with_options(name="other", retries=0, tags=["b"])
    assert (work.name, work.options.retries, work.tags) == ("work", 3, ("a",))
    assert (changed.name, changed.options.retries, changed.tags) == ("other", 0, ("b",))
    assert changed.description == "Works."
    with pytest.raises(TypeError, match="nonsense"):
        work.with_options(nonsense=1)  # type: ignore[call-arg]


def test_the_runs_themselves_can_be_asked_for(runs: LocalRuns) -> None:
    @task(name="labelled")
    def work() -> str:
        assert runtime.task_run.task_name == "labelled"
        return f"{get_flow_run().name} {get_task_run().name}"

    @flow(flow_run_name="outer")
    def calls() -> str:
        with pytest.raises(MissingContext, match="from within a task"):
            get_task_run()
        return work.submit().result()

    assert calls() == "outer labelled-0"
    with pytest.raises(MissingContext, match="from within a flow"):
        get_flow_run()


def test_context_variables_reach_submitted_tasks(runs: LocalRuns) -> None:
    names: list[tuple[str | None, str | None, str]] = []

    @task
    def work() -> None:
        names.append((runtime.flow_run.name, runtime.task_run.name, threading.current_thread().name))

    @flow(flow_run_name="outer")
    def calls() -> None:
        work()
        work.submit().result()

    calls()
    assert [name[:2] for name in names] == [("outer", "work-0"), ("outer", "work-1")]
    assert names[0][2] != names[1][2]
    assert runtime.flow_run.id is None


def test_an_option_that_there_is_not_is_named_with_one_that_is_alike() -> None:
    with pytest.raises(TypeError, match=r"no option 'retrys'; did you mean 'retries'\?"):
        task(retrys=3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"no option 'colour'; there are .*retries"):
        flow(colour="red")  # type: ignore[call-overload]
