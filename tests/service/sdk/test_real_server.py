"""The SDK against the real services, in a server process of its own."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
import time
from typing import Any

import psutil
import pytest

from headrace import artifacts, errors, flow, get_run_logger, task
from headrace.api.v1 import artifact_pb2, flow_run_pb2, log_pb2, state_pb2, task_run_pb2
from headrace.client import Client
from headrace.engine.connection import close_backends
from headrace.outcomes import CancelledRun
from headrace.recording.wire import mapping_of
from headrace.variables import Variable
from headrace_harness.embedded import RealServer
from service.sdk.counterpart import wait_until


def flow_runs(client: Client, flow_name: str) -> list[flow_run_pb2.FlowRun]:
    request = flow_run_pb2.ListFlowRunsRequest(
        filter=flow_run_pb2.FlowRunFilter(flow_names=[flow_name]), sort=flow_run_pb2.FLOW_RUN_SORT_ID_ASC
    )
    return list(client.flow_runs.ListFlowRuns(request).flow_runs)


def task_counts(client: Client, flow_run_id: str) -> dict[str, int]:
    request = task_run_pb2.CountTaskRunsRequest(filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]))
    counts = client.task_runs.CountTaskRuns(request).counts
    return {
        state_pb2.StateType.Name(each.type).removeprefix("STATE_TYPE_"): each.count for each in counts if each.count
    }


def task_runs(client: Client, flow_run_id: str) -> dict[str, task_run_pb2.TaskRun]:
    request = task_run_pb2.ListTaskRunsRequest(
        filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]), page_size=200
    )
    return {run.name: run for run in client.task_runs.ListTaskRuns(request).task_runs}


def state_names(client: Client, task_run_id: str) -> list[str]:
    request = task_run_pb2.ListTaskRunStatesRequest(task_run_id=task_run_id)
    return [state.name for state in client.task_runs.ListTaskRunStates(request).states]


@task
def double(number: int) -> int:
    return number * 2


def test_a_thousand_submitted_tasks_are_all_recorded(client: Client) -> None:
    @flow
    def thousand() -> int:
        return sum(double.map(range(1000)).result())

    assert thousand() == 999_000
    (run,) = flow_runs(client, "thousand")
    assert (run.state.type, run.run_count, run.attempt) == (state_pb2.STATE_TYPE_COMPLETED, 1, 1)
    assert task_counts(client, run.flow_run_id) == {"COMPLETED": 1000}


def test_states_of_retries_failures_and_cancellations_are_legal_to_the_server(client: Client) -> None:
    tries: list[int] = []

    @task(retries=2, retry_delay_seconds=0.01)
    def flaky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("again")

    @task
    def explode() -> None:
        raise ValueError("boom")

    @task
    def after(_: Any) -> None: ...

    @flow
    def mixed() -> None:
        flaky()
        after.submit(explode.submit()).wait()

    mixed()
    (run,) = flow_runs(client, "mixed")
    found = task_runs(client, run.flow_run_id)
    assert state_names(client, found["flaky-0"].task_run_id) == [
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    assert found["explode-0"].state.message == "ValueError: boom"
    assert "in explode" in found["explode-0"].state.details.traceback
    assert found["after-0"].state.name == "UpstreamFailed"
    assert found["after-0"].inputs[0].source == found["explode-0"].task_run_id


def test_a_failed_flow_and_one_that_is_tried_again(client: Client) -> None:
    tries: list[int] = []
    executed: list[int] = []

    @task(persist_result=True)
    def kept(number: int) -> int:
        executed.append(number)
        return number

    @flow(retries=2, retry_delay_seconds=0.05)
    def tried() -> int:
        total = kept(1) + kept(2)
        tries.append(1)
        if len(tries) < 3:
            raise ValueError(f"try {len(tries)}")
        return total

    @flow
    def torn() -> None:
        raise ValueError("torn")

    assert tried() == 3
    assert executed == [1, 2]
    (run,) = flow_runs(client, "tried")
    assert (run.state.name, run.run_count) == ("Completed", 3)
    with pytest.raises(ValueError, match="torn"):
        torn()
    assert flow_runs(client, "torn")[0].state.message == "ValueError: torn"


def test_subflows_are_linked_both_ways(client: Client) -> None:
    @flow
    def inner(number: int) -> int:
        return double(number)

    @flow
    def outer() -> int:
        return inner(1) + inner(2)

    assert outer() == 6
    (parent,) = flow_runs(client, "outer")
    children = flow_runs(client, "inner")
    assert {child.parent_flow_run_id for child in children} == {parent.flow_run_id}
    assert {child.root_flow_run_id for child in children} == {parent.flow_run_id}
    stand_ins = task_runs(client, parent.flow_run_id)
    assert {run.child_flow_run_id for run in stand_ins.values()} == {child.flow_run_id for child in children}
    assert {run.state.name for run in stand_ins.values()} == {"Completed"}


def test_parameters_tags_and_names_arrive(client: Client) -> None:
    @flow(flow_run_name="of {day}", version="v2")
    def described(day: str, numbers: list[int], nested: dict[str, Any]) -> None: ...

    described("monday", [1, 2], {"a": {"b": None}})
    (run,) = flow_runs(client, "described")
    assert (run.name, run.flow_version) == ("of monday", "v2")
    assert mapping_of(run.parameters) == {"day": "monday", "numbers": [1, 2], "nested": {"a": {"b": None}}}
    assert run.infrastructure_id.endswith(f":{os.getpid()}")


def test_a_run_that_is_cancelled_at_the_server_stops_here(client: Client) -> None:
    @flow
    def stopped() -> None:
        double(1)
        (run,) = flow_runs(client, "stopped")
        threading.Timer(
            0.3,
            lambda: client.flow_runs.CancelFlowRun(
                flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.flow_run_id, reason="no longer wanted")
            ),
        ).start()
        # Longer than a test may take.
        time.sleep(600)

    with pytest.raises(CancelledRun):
        stopped()
    (run,) = flow_runs(client, "stopped")
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED


def test_logs_arrive_in_order(client: Client) -> None:
    @flow(log_prints=True)
    def talks() -> None:
        for number in range(300):
            get_run_logger().info("line %d", number)
        print("printed")  # noqa: T201

    talks()
    close_backends()
    (run,) = flow_runs(client, "talks")
    request = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[run.flow_run_id]), page_size=1000)
    records = client.logs.ListLogs(request).logs
    said = [record.message for record in records if record.message.startswith("line")]
    assert said == [f"line {number}" for number in range(300)]
    assert [record.message for record in records if record.source == log_pb2.LOG_SOURCE_PRINT] == ["printed"]


def test_artifacts_and_variables_are_kept(client: Client) -> None:
    @flow
    def makes() -> str:
        return artifacts.create_table_artifact([{"a": 1, "b": "x"}], key="table", description="a table")

    artifact_id = makes()
    found = client.artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=artifact_id)).artifact
    assert list(found.table.columns) == ["a", "b"]
    assert found.flow_run_id == flow_runs(client, "makes")[0].flow_run_id
    progress = artifacts.create_progress_artifact(0, key="p")
    artifacts.update_progress_artifact(progress, 40)
    found = client.artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=progress)).artifact
    assert found.progress == 40
    Variable.set("sdk-test", {"rows": 3})
    assert Variable.get("sdk-test") == {"rows": 3}
    with pytest.raises(errors.AlreadyExists):
        Variable.set("sdk-test", 4, overwrite=False)
    assert Variable.unset("sdk-test") is True
    assert Variable.get("sdk-test", default=None) is None


def test_a_server_that_is_killed_in_mid_run_misses_nothing(client: Client, real_server: RealServer) -> None:
    @flow
    def interrupted() -> int:
        total = 0
        for number in range(3000):
            total += double(number)
            if number == 1000:
                real_server.kill_processes()
            if number > 1000 and number % 500 == 0:
                time.sleep(0.1)
        return total

    assert interrupted() == 2999 * 3000
    wait_until(real_server.is_ready, "it is ready again")
    (run,) = flow_runs(client, "interrupted")
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED
    assert task_counts(client, run.flow_run_id) == {"COMPLETED": 3000}


def test_a_flow_process_that_is_killed_is_noticed(
    client: Client, real_server: RealServer, tmp_path: pathlib.Path
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\nfrom headrace import flow, task\n"
        "@task\ndef work(): pass\n"
        "@flow\ndef killed():\n"
        "    for _ in range(2000): work()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "killed()\n"
    )
    environment = {**os.environ, "HEADRACE_API_URL": real_server.url}
    ended = psutil.Popen([sys.executable, str(script)], env=environment).wait(60)
    assert ended == -signal.SIGKILL

    def is_crashed() -> bool:
        (run,) = flow_runs(client, "killed")
        return run.state.type == state_pb2.STATE_TYPE_CRASHED

    deadline = time.monotonic() + 90
    while not is_crashed():
        assert time.monotonic() < deadline, flow_runs(client, "killed")
        time.sleep(0.2)
    assert flow_runs(client, "killed")[0].state.details.reason == "LEASE_LOST"
