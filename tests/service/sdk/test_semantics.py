"""What flows and tasks promise beside their results, against the real services."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator

import pytest

from headrace import flow, get_run_logger, task, transaction
from headrace.api.v1 import concurrency_pb2, flow_run_pb2, log_pb2, state_pb2, task_run_pb2
from headrace.cache_keys import ServerKeyStorage
from headrace.caching import INPUTS
from headrace.client import Client, close_clients
from headrace.engine.connection import close_backends, get_backend
from headrace.ids import uuid7
from headrace.locking import LockTimeout, ServerLockManager
from headrace.recording.recovery import spool_folder_of
from headrace.recording.spool import Spool
from headrace.recording.wire import mapping_of
from headrace.settings import get_settings
from service.sdk.counterpart import wait_until
from service.sdk.test_real_server import flow_runs, state_names, task_counts, task_runs

WAIT = 60.0


@task
def double(number: int) -> int:
    return number * 2


def runs_of_task(client: Client, key: str, *, size: int = 200) -> list[task_run_pb2.TaskRun]:
    request = task_run_pb2.ListTaskRunsRequest(
        filter=task_run_pb2.TaskRunFilter(task_keys=[key], background=True), page_size=size
    )
    return list(client.task_runs.ListTaskRuns(request).task_runs)


def test_tasks_outside_of_flows_are_recorded_by_themselves(client: Client) -> None:
    @task
    def alone(number: int) -> int:
        return double(number)

    @task
    def fails() -> None:
        get_run_logger().warning("about to fail", extra={"where": {"row": 3}})
        raise ValueError("boom")

    # More than a stream may keep attempts of, with those within.
    assert [alone(number) for number in range(510)] == [number * 2 for number in range(510)]
    with pytest.raises(ValueError, match="boom"):
        fails()
    get_backend().flush().result(WAIT)
    request = task_run_pb2.CountTaskRunsRequest(
        filter=task_run_pb2.TaskRunFilter(task_keys=[alone.facts.task_key], background=True)
    )
    (count,) = [each for each in client.task_runs.CountTaskRuns(request).counts if each.count]
    assert (count.type, count.count) == (state_pb2.STATE_TYPE_COMPLETED, 510)
    (failed,) = runs_of_task(client, fails.facts.task_key)
    assert (failed.flow_run_id, failed.state.message) == ("", "ValueError: boom")
    assert state_names(client, failed.task_run_id) == ["Running", "Failed"]
    nested = runs_of_task(client, double.facts.task_key)
    assert len(nested) == 200
    assert get_backend().flush_logs(WAIT).result() == 0
    logs = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(task_run_ids=[failed.task_run_id]))
    wait_until(lambda: len(client.logs.ListLogs(logs).logs) >= 2, "its log can be read")
    said = next(record for record in client.logs.ListLogs(logs).logs if record.message == "about to fail")
    assert mapping_of(said.fields) == {"where": {"row": 3}}


def test_generators_and_rolled_back_tasks_are_legal_to_the_server(client: Client) -> None:
    @flow
    def streaming() -> Iterator[int]:
        with pytest.raises(ValueError, match="boom"), transaction():
            yield double(1)
            raise ValueError("boom")

    assert list(streaming()) == [2]
    (run,) = flow_runs(client, "streaming")
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED
    (undone,) = task_runs(client, run.flow_run_id).values()
    assert state_names(client, undone.task_run_id) == ["Running", "Completed", "RolledBack"]
    assert task_counts(client, run.flow_run_id) == {"COMPLETED": 1}


def test_the_server_knows_what_was_computed_for_a_key(client: Client, tmp_path: pathlib.Path) -> None:
    executed: list[int] = []

    @task(cache_policy=INPUTS.configure(key_storage=ServerKeyStorage()), result_storage=(tmp_path / "r").as_uri())
    def compute(number: int) -> int:
        executed.append(number)
        return number * 3

    @flow
    def computing() -> int:
        return compute(7)

    assert computing() == 21
    # Another process begins with a connection of its own.
    close_backends()
    close_clients()
    assert computing() == 21
    assert executed == [7]


def test_one_of_all_clients_holds_a_lock_of_the_server(client: Client) -> None:
    locks = ServerLockManager(lease_seconds=10)
    events: list[str] = []
    held = locks.acquire("report")
    with pytest.raises(LockTimeout, match="report"):
        locks.acquire("report", 0.2)

    def wait_for_it() -> None:
        with locks.hold("report", WAIT):
            events.append("second")

    thread = threading.Thread(target=wait_for_it)
    thread.start()

    def is_in_line() -> bool:
        request = concurrency_pb2.GetConcurrencyLimitRequest(name=locks.identity("report"))
        return len(client.concurrency.GetConcurrencyLimit(request).limit.waiters) == 1

    wait_until(is_in_line, "the other one stands in line")
    events.append("first")
    held.release()
    thread.join(WAIT)
    assert events == ["first", "second"]


def test_what_a_dead_process_left_on_disk_is_sent_by_the_next_one(client: Client) -> None:
    created = client.flow_runs.CreateFlowRun(
        flow_run_pb2.CreateFlowRunRequest(
            flow_run_id=str(uuid7()), flow_name="left", state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
        )
    )
    flow_run_id = created.flow_run.flow_run_id
    settings = get_settings()
    folder = spool_folder_of(settings.spool_folder, settings.api_url or "", settings.workspace_id)
    left = Spool(folder, 10**6)
    request = task_run_pb2.RecordRequest()
    frame = request.frame
    frame.sequence = 1
    frame.attempts.add(flow_run_id=flow_run_id, token=created.attempt.token)
    for number in range(3):
        transition = frame.transitions.add(task_run_id=str(uuid7()), run_count=1)
        transition.state.state_id = str(uuid7())
        transition.state.type = state_pb2.STATE_TYPE_COMPLETED
        transition.state.version = 1
        transition.state.occurred_at.GetCurrentTime()
        transition.spec.task_key, transition.spec.dynamic_key = "left.task", str(number)
        transition.spec.name = f"left-{number}"
    left.append(1, request.SerializeToString())
    left.close()
    close_backends()
    get_backend()
    wait_until(lambda: task_counts(client, flow_run_id) == {"COMPLETED": 3}, "they have arrived")
    wait_until(lambda: list(folder.glob("*.spool")) == [], "they are deleted")
