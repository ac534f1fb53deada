from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from headrace import errors, exponential_backoff, flow, get_run_logger, runtime, tags, task
from headrace.outcomes import TimedOut
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
        await asyncio.wait_for(all_here.wait(), 5)
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
        return [store.add(1), store.add.submit(2).result(), Store.scale(3), store.negate(4)]

    assert calls() == [6, 7, 30, -4]
    assert [run.name for run in runs.task_runs()] == ["add-0", "add-1", "scale-0", "negate-0"]


def test_a_synchronous_task_is_ended_when_its_time_is_over(runs: LocalRuns) -> None:
    @task(timeout_seconds=0.05)
    def slow() -> None:
        time.sleep(30)

    @flow
    def calls() -> None:
        slow()

    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"slow-0 took longer than 0\.05 s"):
        calls()
    assert time.monotonic() - started < 5
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


def test_a_task_outside_of_a_flow_runs_and_is_not_recorded(runs: LocalRuns) -> None:
    tries = []

    @task(retries=1)
    def flaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("first")
        get_run_logger().info("here")
        return "ok"

    assert flaky() == "ok"
    assert runs.flow_runs() == []
    with pytest.raises(errors.HeadraceError, match="from within a flow"):
        flaky.submit()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"retry_delay_seconds": [1, -1]}, "retry_delay_seconds"),
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
        work.with_options(nonsense=1)


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
