"""What other processes execute, with a real server: background tasks, and the tasks of a pool."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from headrace import artifacts, errors, flow, get_run_logger, runtime, task
from headrace.api.v1 import (
    artifact_pb2,
    background_task_pb2,
    concurrency_pb2,
    flow_run_pb2,
    log_pb2,
    task_run_pb2,
)
from headrace.background import BackgroundFuture
from headrace.background.server import TaskServer
from headrace.blocks import RemoteFileSystem
from headrace.cli.root import LazyGroup
from headrace.client import Client
from headrace.engine.definitions import TaskDefinition
from headrace.futures import as_completed, wait
from headrace.outcomes import CancelledRun, FailedRun, UpstreamFailed
from headrace.results import store_at
from headrace.task_runners import ProcessPoolTaskRunner
from headrace.testing import LocalRuns
from headrace_harness.embedded import RealServer

PATIENCE = 60.0


@task
def double(number: int) -> int:
    return number * 2


@task
def add(left: int, right: int) -> int:
    return left + right


@task(retries=1, retry_delay_seconds=0, tags=["mail"], task_run_name="mail to {to}")
def send(to: str, folder: str) -> int:
    get_run_logger().warning("sending to %s", to)
    with (pathlib.Path(folder) / to).open("a") as file:
        file.write("x")
    if (pathlib.Path(folder) / to).stat().st_size < 2:
        raise RuntimeError("no connection")
    return double(21)


@task
def explode(text: str) -> None:
    raise ValueError(text)


@task
async def later(number: int) -> int:
    await asyncio.sleep(0.01)
    return number + 1


@task
def length(data: bytes) -> int:
    return len(data)


@task
def endless(mark: str) -> None:
    pathlib.Path(mark).touch()
    while True:
        time.sleep(0.01)


SERVED: tuple[TaskDefinition, ...] = (double, add, send, explode, later, length, endless)


@contextlib.contextmanager
def serving(*tasks: TaskDefinition, limit: int = 4) -> Iterator[TaskServer]:
    """A task server in threads of this process."""
    server = TaskServer(tasks or SERVED, limit=limit)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.connected.wait(PATIENCE)
        yield server
    finally:
        server.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run_of(client: Client, future: BackgroundFuture[int]) -> task_run_pb2.TaskRun:
    return client.task_runs.GetTaskRun(task_run_pb2.GetTaskRunRequest(task_run_id=future.task_run_id)).task_run


def test_a_call_is_queued_now_and_executed_by_who_serves_the_task(client: Client) -> None:
    future = double.delay(4)
    assert future.state.is_scheduled()
    assert not future.done()
    with pytest.raises(TimeoutError):
        future.result(timeout=0.05)
    with serving():
        assert future.result(timeout=PATIENCE) == 8
    run = run_of(client, future)
    assert (run.flow_run_id, run.task_key) == ("", double.facts.task_key)
    # Another process knows the id alone.
    again: BackgroundFuture[int] = BackgroundFuture(future.task_run_id)
    assert again.result(timeout=PATIENCE) == 8


def test_retries_names_tags_and_logs_are_as_within_a_flow(client: Client, tmp_path: pathlib.Path) -> None:
    future = send.delay("ada", folder=str(tmp_path))
    with serving():
        assert future.result(timeout=PATIENCE) == 42
    run = run_of(client, future)
    assert (run.name, list(run.tags), run.run_count) == ("mail to ada", ["mail"], 2)
    request = task_run_pb2.ListTaskRunStatesRequest(task_run_id=future.task_run_id)
    names = [state.name for state in client.task_runs.ListTaskRunStates(request).states]
    assert names == ["Scheduled", "Running", "AwaitingRetry", "Retrying", "Completed"]

    def said() -> bool:
        chosen = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(task_run_ids=[future.task_run_id]))
        messages = [record.message for record in client.logs.ListLogs(chosen).logs]
        return messages.count("sending to ada") == 2

    until(said)


def test_a_failure_is_told_to_who_asks(client: Client) -> None:
    future = explode.delay("boom")
    with serving():
        with pytest.raises(FailedRun, match="boom"):
            future.result(timeout=PATIENCE)
        assert isinstance(future.result(raise_on_failure=False), FailedRun)


def test_futures_are_waited_for_and_replaced_by_their_results(client: Client) -> None:
    total = add.delay(double.delay(1), right=double.delay(2))
    broken = add.delay(explode.delay("no"), 1)
    after = double.apply_async((5,), wait_for=[total], dependencies={"number": [total.task_run_id]})
    with serving():
        assert total.result(timeout=PATIENCE) == 6
        assert after.result(timeout=PATIENCE) == 10
        with pytest.raises(FailedRun, match=UpstreamFailed.__name__):
            broken.result(timeout=PATIENCE)
    assert {item.parameter for item in run_of(client, after).inputs} == {"number", ""}


def test_many_futures_are_followed_together(client: Client) -> None:
    heard: list[str] = []
    futures = [double.delay(number) for number in range(30)]
    assert len({run_of(client, future).name for future in futures}) == 30
    for future in futures:
        future.add_done_callback(lambda ended: heard.append(ended.task_run_id))
    with serving(limit=8):
        assert sorted(future.result() for future in as_completed(futures, timeout=PATIENCE)) == [*range(0, 60, 2)]
        assert len(wait(futures, timeout=PATIENCE).done) == 30
    until(lambda: len(heard) == 30)


async def test_a_future_can_be_awaited(client: Client) -> None:
    with serving():
        assert await asyncio.wait_for(later.delay(1), PATIENCE) == 2


def test_large_arguments_lie_where_results_do(client: Client, tmp_path: pathlib.Path) -> None:
    storage = (tmp_path / "results").as_uri()
    large = length.with_options(result_storage=storage)
    future = large.delay(b"x" * 300_000)
    assert store_at(storage).find(f"background/{future.task_run_id}/parameters") is not None
    with serving(large):
        assert future.result(timeout=PATIENCE) == 300_000


def test_results_lie_where_a_saved_block_says(client: Client, tmp_path: pathlib.Path) -> None:
    block = RemoteFileSystem(basepath=(tmp_path / "results").as_uri())
    with pytest.raises(errors.InvalidArgument, match="saved first"):
        double.with_options(result_storage=block)
    block.save("results", overwrite=True)
    kept = double.with_options(result_storage=RemoteFileSystem.load("results"))
    future = kept.delay(8)
    with serving(kept):
        assert future.result(timeout=PATIENCE) == 16
    reference = future.state.reference
    assert reference is not None
    assert reference.storage_url == "block://remote-file-system/results"
    assert list((tmp_path / "results").rglob("*"))


def test_a_flow_queues_and_its_futures_are_waited_for(client: Client) -> None:
    persisted = double.with_options(persist_result=True)

    @flow
    def caller() -> int:
        return add.delay(persisted.submit(3), 1).result(timeout=PATIENCE)

    with serving():
        assert caller() == 7


def test_a_call_that_waits_is_cancelled_and_one_that_runs_is_ended(client: Client, tmp_path: pathlib.Path) -> None:
    waiting = double.delay(1)
    assert waiting.cancel()
    with pytest.raises(CancelledRun):
        waiting.result(timeout=PATIENCE)
    mark = tmp_path / "mark"
    running = endless.delay(str(mark))
    with serving():
        until(mark.exists)
        assert not running.cancel()
        with pytest.raises(CancelledRun):
            running.result(timeout=PATIENCE)


def test_a_server_that_ends_gives_back_what_it_has_not_begun(client: Client, tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "mark"
    running = endless.delay(str(mark))
    server = TaskServer(SERVED, limit=1)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(mark.exists)
    server.abort()
    thread.join(PATIENCE)
    mark.unlink()
    with serving():
        until(mark.exists)
        running.cancel()
        with pytest.raises(CancelledRun):
            running.result(timeout=PATIENCE)


def test_another_server_gets_what_one_had_that_was_killed(
    client: Client, real_server: RealServer, tmp_path: pathlib.Path
) -> None:
    module = tmp_path / "mailing.py"
    module.write_text(
        textwrap.dedent(
            """
            import os, pathlib, time
            from headrace import task

            @task
            def work(folder):
                folder = pathlib.Path(folder)
                (folder / f"begun-{os.getpid()}").touch()
                while not (folder / "go").exists():
                    time.sleep(0.02)
                return os.getpid()
            """
        )
    )
    environment = {**os.environ, "HEADRACE_API_URL": real_server.url}
    command = [
        str(pathlib.Path(sys.executable).with_name("headrace")),
        "task",
        "serve",
        "mailing.py:work",
        "--limit",
        "1",
    ]
    sys.path.insert(0, str(tmp_path))
    try:
        from mailing import work  # type: ignore[import-not-found] # noqa: PLC0415

        future = work.delay(str(tmp_path))
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as first:
            try:
                until(lambda: bool(list(tmp_path.glob("begun-*"))))
            finally:
                psutil.Process(first.pid).kill()
        (tmp_path / "go").touch()
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as second:
            try:
                assert future.result(timeout=PATIENCE) != first.pid
            finally:
                second.terminate()
        assert second.returncode == 0
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("mailing", None)
    found = client.background_tasks.GetTaskServing(background_task_pb2.GetTaskServingRequest())
    assert not any(backlog.task_key.startswith("mailing") for backlog in found.backlogs)


def test_what_happens_in_a_pool_of_processes_is_recorded(client: Client) -> None:
    @task
    def outer(number: int) -> str:
        get_run_logger().warning("in a process")
        double(number)
        return artifacts.create_markdown_artifact("made elsewhere")

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def pooled() -> tuple[str, list[str]]:
        return str(runtime.flow_run.id), outer.map([1, 2]).result()

    flow_run_id, made = pooled()
    chosen = task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id])
    runs = client.task_runs.ListTaskRuns(task_run_pb2.ListTaskRunsRequest(filter=chosen)).task_runs
    assert sorted((run.name.partition("-")[0], run.state.name) for run in runs) == [
        ("double", "Completed"),
        ("double", "Completed"),
        ("outer", "Completed"),
        ("outer", "Completed"),
    ]
    outers = {run.task_run_id for run in runs if run.name.startswith("outer")}
    for artifact_id in made:
        found = client.artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=artifact_id)).artifact
        assert found.flow_run_id == flow_run_id
        assert found.task_run_id in outers

    def said() -> bool:
        request = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
        found = {record.task_run_id for record in client.logs.ListLogs(request).logs if "process" in record.message}
        return found == outers

    until(said)


def test_limits_of_tags_hold_in_a_pool_of_processes(client: Client, tmp_path: pathlib.Path) -> None:
    limit = concurrency_pb2.SetConcurrencyLimitRequest(name="tag:one-by-one", limit=1)
    client.concurrency.SetConcurrencyLimit(limit)

    @task(tags=["one-by-one"])
    def alone(number: int) -> bool:
        marks = tmp_path / "running"
        marks.mkdir(exist_ok=True)
        mark = marks / str(number)
        mark.touch()
        is_alone = len(list(marks.iterdir())) == 1
        time.sleep(0.05)
        mark.unlink()
        return is_alone

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=3))
    def limited() -> list[bool]:
        return alone.map(range(5)).result()

    assert limited() == [True] * 5


def test_a_flow_run_that_is_cancelled_ends_its_processes(client: Client, tmp_path: pathlib.Path) -> None:
    marks = [tmp_path / "first", tmp_path / "second"]

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def cancelled() -> None:
        endless.map([str(mark) for mark in marks]).wait()

    ended: list[str] = []
    thread = threading.Thread(target=lambda: ended.append(cancelled(return_state=True).name))
    thread.start()
    until(lambda: all(mark.exists() for mark in marks))
    chosen = flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(flow_names=["cancelled"]))
    [run] = client.flow_runs.ListFlowRuns(chosen).flow_runs
    client.flow_runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.flow_run_id))
    thread.join(PATIENCE)
    assert ended == ["Cancelled"]
    wanted = task_run_pb2.TaskRunFilter(flow_run_ids=[run.flow_run_id])
    runs = client.task_runs.ListTaskRuns(task_run_pb2.ListTaskRunsRequest(filter=wanted)).task_runs
    assert [each.state.name for each in runs] == ["Cancelled", "Cancelled"]


def test_background_tasks_need_a_server(runs_in_memory: LocalRuns) -> None:
    with pytest.raises(errors.FailedPrecondition, match="need a server"):
        double.delay(1)


def test_what_cannot_be_served_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="at least one"):
        TaskServer(())
    with pytest.raises(errors.InvalidArgument, match="two tasks have the key"):
        TaskServer((double, double.with_options(retries=1)))


def test_the_command_line_knows_tasks() -> None:
    assert "task" in LazyGroup().list_commands(None)  # type: ignore[arg-type]
