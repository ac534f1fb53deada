from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from headrace.api.v1 import flow_run_pb2, state_pb2, worker_pb2
from headrace.recording.wire import struct_of
from service.sdk.counterpart import WAIT, Counterpart, wait_until

CHILD = """
import pathlib, sys
from headrace.engine.assignment import execute_assignment
data = pathlib.Path(sys.argv[1]).read_bytes()
sys.exit(execute_assignment(data, api_url=sys.argv[2], grpc_address=sys.argv[3]))
"""

FLOWS = """
import asyncio, datetime, pathlib, time
from headrace import flow, runtime, sleep_for, task

@task
def nap() -> None:
    sleep_for(0.01, hold_seconds=0)

@flow
def napping_in_a_task() -> None:
    nap()

@task(persist_result=True)
def kept(number: int) -> int:
    with open("executed.txt", "a") as file:
        file.write(f"{number}\\n")
    return number * 10

@task
def forgotten(number: int) -> int:
    with open("executed.txt", "a") as file:
        file.write(f"again {number}\\n")
    return number

@flow
def add(day: datetime.date, number: int = 1) -> int:
    assert isinstance(day, datetime.date)
    print("to standard output")
    return kept(number) + kept(number + 1) + forgotten(number)

@flow
async def later(number: int) -> int:
    await asyncio.sleep(0)
    return number

@flow
def streamed(number: int):
    for each in range(number):
        yield kept(each)

@flow
async def streamed_later(number: int):
    for each in range(number):
        yield each

@flow
def facts() -> None:
    run = runtime.flow_run
    pathlib.Path("facts.txt").write_text(
        f"{run.name} {run.run_count} {run.tags} {runtime.deployment.name} {run.job_variables} {run.root_flow_run_id}"
    )

@flow
def slow() -> None:
    pathlib.Path("started.txt").write_text("x")
    time.sleep(60)

@flow
async def slow_async() -> None:
    pathlib.Path("started.txt").write_text("x")
    await asyncio.sleep(60)

@flow
def broken() -> None:
    raise ValueError("torn")
"""


class Child:
    """The process that a worker would start."""

    def __init__(self, folder: pathlib.Path, counterpart: Counterpart) -> None:
        self.folder = folder
        self._counterpart = counterpart
        self._process: subprocess.Popen[str] | None = None

    def assign(self, entrypoint: str, parameters: dict[str, object] | None = None, run_count: int = 1) -> str:
        """Make a flow run that is RUNNING and write its assignment; returns its id."""
        number = len(self._counterpart.flow_runs) + 1
        run = flow_run_pb2.FlowRun(
            flow_run_id=f"00000000-0000-7000-8000-{number:012d}",
            name=f"run-{number}",
            flow_name=entrypoint.rpartition(":")[2],
            state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING),
            run_count=run_count,
            deployment_id="dep-1",
            deployment_name="nightly",
            root_flow_run_id="root-1",
            tags=["a", "b"],
        )
        run.parameters.CopyFrom(struct_of(parameters or {}))
        run.job_variables.CopyFrom(struct_of({"cpu": 2}))
        self._counterpart.flow_runs[run.flow_run_id] = run
        self._counterpart.tokens[run.flow_run_id] = "token"
        self._counterpart.policies[run.flow_run_id] = flow_run_pb2.RetryPolicy()
        self.write(run, entrypoint)
        return run.flow_run_id

    def write(self, run: flow_run_pb2.FlowRun, entrypoint: str) -> None:
        assignment = worker_pb2.Assignment(
            flow_run=run,
            attempt=flow_run_pb2.Attempt(flow_run_id=run.flow_run_id, number=run.run_count, token="token"),
        )
        assignment.content.entrypoint = entrypoint
        assignment.content.path = str(self.folder)
        (self.folder / "assignment").write_bytes(assignment.SerializeToString())

    def start(self) -> subprocess.Popen[str]:
        """Start the process."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                CHILD,
                str(self.folder / "assignment"),
                self._counterpart.url,
                f"127.0.0.1:{self._counterpart.grpc_port}",
            ],
            cwd="/",
            env={**os.environ, "HEADRACE_HOME": str(self.folder / "home")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._process

    def run(self) -> tuple[int, str, str]:
        """Run the process to its end; returns its exit code and output."""
        process = self.start()
        output, errors = process.communicate(timeout=WAIT)
        return process.returncode, output, errors

    def stop(self) -> None:
        """End what is left."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.communicate()


@pytest.fixture
def child(tmp_path: pathlib.Path, counterpart: Counterpart) -> Iterator[Child]:
    (tmp_path / "job_flows.py").write_text(FLOWS)
    made = Child(tmp_path, counterpart)
    yield made
    made.stop()


def test_a_run_is_executed_with_what_came_with_it(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows.py:add", {"day": "2024-05-01", "number": 3})
    code, output, errors = child.run()
    assert (code, output, errors) == (0, "to standard output\n", "")
    assert counterpart.only_flow_run().state.name == "Completed"
    assert counterpart.states_by_task_run()["kept-0"] == ["RUNNING", "COMPLETED"]
    assert [event for event in counterpart.events if event.startswith(("create", "propose"))] == ["propose COMPLETED"]
    assert any("started" in record.message for record in counterpart.logs.values())


def test_an_asynchronous_flow_is_executed(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows:later", {"number": 3})
    assert child.run()[0] == 0
    assert counterpart.only_flow_run().state.name == "Completed"


def test_a_task_that_keeps_the_process_for_a_long_wait_says_so(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows.py:napping_in_a_task")
    assert child.run()[0] == 0
    assert counterpart.only_flow_run().state.name == "Completed"
    said = [record.message for record in counterpart.logs.values() if "waits for" in record.message]
    assert [message.partition(":")[0] for message in said] == [
        "A task waits for 0 s and keeps the process of the run and its slots"
    ]


def test_the_flow_knows_its_deployment(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows.py:facts")
    assert child.run()[0] == 0
    facts = (child.folder / "facts.txt").read_text()
    assert facts == "run-1 1 ['a', 'b'] nightly {'cpu': 2} root-1"


def test_a_failed_flow_is_an_outcome_that_the_server_knows(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows.py:broken")
    assert child.run()[0] == 0
    state = counterpart.only_flow_run().state
    assert (state.name, state.message) == ("Failed", "ValueError: torn")
    assert any("Traceback" in record.message for record in counterpart.logs.values())


@pytest.mark.parametrize(
    ("entrypoint", "parameters", "said"),
    [
        ("nowhere.py:add", {}, "there is no file"),
        ("job_flows.py:nothing", {}, "has no 'nothing'"),
        ("job_flows.py:later", {"number": 1, "other": 1}, "got an unexpected keyword argument 'other'"),
        ("job_flows.py:later", {}, "missing a required argument: 'number'"),
    ],
)
def test_a_run_whose_code_is_not_reached_fails_with_the_reason_and_is_not_tried_again(
    child: Child, counterpart: Counterpart, entrypoint: str, parameters: dict[str, object], said: str
) -> None:
    child.assign(entrypoint, parameters)
    assert child.run()[0] == 0
    state = counterpart.only_flow_run().state
    assert state.name == "Failed"
    assert said in state.message
    assert state.details.HasField("retriable")
    assert state.details.retriable is False
    assert any(said in record.message for record in counterpart.logs.values())


def test_a_wrong_parameter_fails_the_run(child: Child, counterpart: Counterpart) -> None:
    child.assign("job_flows.py:later", {"number": "many"})
    assert child.run()[0] == 0
    assert "number" in counterpart.only_flow_run().state.message


def test_another_attempt_does_not_repeat_what_is_kept(child: Child, counterpart: Counterpart) -> None:
    flow_run_id = child.assign("job_flows.py:add", {"day": "2024-05-01"})
    assert child.run()[0] == 0
    run = counterpart.flow_runs[flow_run_id]
    run.run_count, run.state.type = 2, state_pb2.STATE_TYPE_RUNNING
    child.write(run, "job_flows.py:add")
    assert child.run()[0] == 0
    assert (child.folder / "executed.txt").read_text().split("\n") == ["1", "2", "again 1", "again 1", ""]
    assert len(counterpart.specs) == 3
    assert counterpart.states_by_task_run()["kept-0"] == ["RUNNING", "COMPLETED"]
    assert counterpart.states_by_task_run()["forgotten-0"] == ["RUNNING", "COMPLETED", "RUNNING", "COMPLETED"]


def test_what_says_nothing_is_kept_where_the_settings_say_so(
    child: Child, counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HEADRACE_RESULTS_PERSIST_DEPLOYMENTS", "true")
    flow_run_id = child.assign("job_flows.py:add", {"day": "2024-05-01"})
    assert child.run()[0] == 0
    run = counterpart.flow_runs[flow_run_id]
    run.run_count, run.state.type = 2, state_pb2.STATE_TYPE_RUNNING
    child.write(run, "job_flows.py:add")
    assert child.run()[0] == 0
    assert (child.folder / "executed.txt").read_text().split("\n") == ["1", "2", "again 1", ""]


@pytest.mark.parametrize("name", ["streamed", "streamed_later"])
def test_a_flow_that_is_a_generator_is_exhausted(child: Child, counterpart: Counterpart, name: str) -> None:
    child.assign(f"job_flows.py:{name}", {"number": 3})
    assert child.run()[0] == 0
    assert counterpart.only_flow_run().state.type == state_pb2.STATE_TYPE_COMPLETED


def terminate(process: subprocess.Popen[str], counterpart: Counterpart) -> None:
    process.send_signal(signal.SIGTERM)


def cancel_and_terminate(process: subprocess.Popen[str], counterpart: Counterpart) -> None:
    counterpart.only_flow_run().state.type = state_pb2.STATE_TYPE_CANCELLING
    process.send_signal(signal.SIGTERM)


def cancel_by_stream(process: subprocess.Popen[str], counterpart: Counterpart) -> None:
    wait_until(lambda: bool(counterpart.heartbeats), "the stream stands")
    counterpart.cancel(counterpart.only_flow_run().flow_run_id)


@pytest.mark.parametrize("entrypoint", ["job_flows.py:slow", "job_flows.py:slow_async"])
@pytest.mark.parametrize(
    ("stop", "ends"),
    [(terminate, "CRASHED"), (cancel_and_terminate, "CANCELLED"), (cancel_by_stream, "CANCELLED")],
)
def test_a_process_that_has_to_go_says_so_first(
    child: Child,
    counterpart: Counterpart,
    stop: Callable[[subprocess.Popen[str], Counterpart], None],
    ends: str,
    entrypoint: str,
) -> None:
    child.assign(entrypoint)
    process = child.start()
    wait_until(lambda: (child.folder / "started.txt").exists(), "the flow runs")
    stop(process, counterpart)
    process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert counterpart.events[-1] == f"propose {ends}"


def test_a_run_that_was_given_to_another_ends_its_process_with_3(child: Child, counterpart: Counterpart) -> None:
    flow_run_id = child.assign("job_flows.py:slow")
    process = child.start()
    wait_until(lambda: bool(counterpart.heartbeats), "the stream stands")
    counterpart.lose(flow_run_id)
    process.communicate(timeout=WAIT)
    assert process.returncode == 3
    assert not any(event.startswith("propose") for event in counterpart.events)


def test_a_server_that_is_gone_ends_the_process_with_1(
    child: Child, counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HEADRACE_RUN_PATIENCE_SECONDS", "0.3")
    child.assign("job_flows.py:add", {"day": "2024-05-01"})
    counterpart.stop_grpc()
    code, _, errors = child.run()
    assert code == 1
    assert "headrace: Unavailable:" in errors
