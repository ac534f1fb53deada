"""Task runners of one machine."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

from headrace import errors, flow, task
from headrace.outcomes import TimedOut, WorkerDied
from headrace.states import StateType
from headrace.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadTaskRunner
from headrace.task_runners.jobs import NotSendable
from headrace.testing import LocalRuns
from service.sdk.runner_scenarios import NAMES, play


@task
def process_number() -> int:
    return os.getpid()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "runner",
    [ThreadTaskRunner(max_workers=2), ProcessPoolTaskRunner(max_workers=2)],
    ids=["threads", "processes"],
)
def test_tasks_mean_the_same(runner: TaskRunner, name: str, runs_in_memory: LocalRuns, tmp_path: pathlib.Path) -> None:
    play(name, runner, runs_in_memory, tmp_path)


def test_processes_are_others_and_are_used_again(runs_in_memory: LocalRuns) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def calls() -> set[int]:
        return {process_number.submit().result() for _ in range(4)}

    numbers = calls()
    assert len(numbers) == 1
    assert os.getpid() not in numbers


def test_processes_end_with_the_flow_run(runs_in_memory: LocalRuns) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> int:
        return process_number.submit().result()

    number = calls()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_nested_tasks_do_not_wait_for_room_in_a_full_pool(runs_in_memory: LocalRuns, tmp_path: pathlib.Path) -> None:
    play("tasks_may_call_tasks", ProcessPoolTaskRunner(max_workers=1), runs_in_memory, tmp_path)


def test_an_initializer_runs_once_in_each_process(runs_in_memory: LocalRuns, tmp_path: pathlib.Path) -> None:
    def prepare(word: str) -> None:
        os.environ["PREPARED"] = os.environ.get("PREPARED", "") + word

    @task
    def look() -> str:
        return os.environ["PREPARED"]

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1, initializer=prepare, initargs=("yes",)))
    def calls() -> list[str]:
        return [look.submit().result() for _ in range(2)]

    assert calls() == ["yes", "yes"]


def test_an_initializer_that_fails_is_told(runs_in_memory: LocalRuns) -> None:
    def prepare() -> None:
        raise RuntimeError("no licence")

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1, initializer=prepare))
    def calls() -> None:
        process_number.submit().result()

    with pytest.raises(WorkerDied, match="no licence"):
        calls()


def test_a_process_that_dies_crashes_its_task_run_alone(runs_in_memory: LocalRuns) -> None:
    @task
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> tuple[Any, int]:
        return die.submit().result(raise_on_failure=False), process_number.submit().result()

    error, _ = calls()
    assert isinstance(error, WorkerDied)
    assert "SIGKILL" in str(error)
    assert [run.state.type for run in runs_in_memory.task_runs()] == [StateType.CRASHED, StateType.COMPLETED]


def test_a_task_whose_process_died_is_tried_again_in_another(runs_in_memory: LocalRuns, tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "mark"

    @task(retries=1)
    def die_once() -> int:
        if not mark.exists():
            mark.touch()
            os._exit(3)
        return 5

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> int:
        return die_once.submit().result()

    assert calls() == 5
    [run] = runs_in_memory.task_runs()
    assert [state.name for state in run.states] == ["Running", "AwaitingRetry", "Retrying", "Completed"]


def test_a_time_limit_reaches_code_that_waits_in_a_system_call(runs_in_memory: LocalRuns) -> None:
    @task(timeout_seconds=0.3)
    def listen() -> None:
        reader, _ = os.pipe()
        os.read(reader, 1)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> None:
        listen.submit().result()

    with pytest.raises(TimedOut):
        calls()


def test_what_cannot_be_sent_is_named(runs_in_memory: LocalRuns) -> None:
    @task
    def take(value: Any) -> None:
        return None

    @task
    def give() -> Any:
        return threading.Lock()

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> list[Any]:
        futures = [take.submit(value=threading.Lock()), give.submit()]
        return [future.result(raise_on_failure=False) for future in futures]

    taken, given = calls()
    assert isinstance(taken, NotSendable)
    assert "'value'" in taken.message
    assert isinstance(given, NotSendable)
    assert "sent back" in given.message


def test_a_script_needs_no_guard_around_its_main_part(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            from headrace import flow, task
            from headrace.task_runners import ProcessPoolTaskRunner
            from headrace.testing import local_runs

            class Point:
                def __init__(self, x):
                    self.x = x

            def helper(x):
                return Point(x + 1)

            @task
            def move(x):
                return helper(x)

            @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
            def main():
                found = move.submit(4).result()
                assert isinstance(found, Point)
                return found.x

            with local_runs():
                print("moved to", main())
            """
        )
    )
    environment = {**os.environ, "HEADRACE_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == "moved to 5\n", done.stderr


def test_a_pool_without_processes_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="max_workers"):
        ProcessPoolTaskRunner(max_workers=0)
