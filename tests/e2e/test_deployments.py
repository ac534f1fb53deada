"""Deployments in a work pool: handed over, scheduled, run by a worker, cancelled."""

from __future__ import annotations

import datetime
import pathlib
import signal
import uuid

import psutil
import pytest

from headrace.api.v1 import flow_run_pb2, log_pb2, state_pb2, work_pool_pb2, work_pool_pb2_grpc
from headrace_harness import ledger
from headrace_harness.machine import Machine, Program, only
from headrace_harness.observer import Observer, counted, is_final
from headrace_harness.servers import eventually, until
from headrace_harness.stack import Stack

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture
def pool() -> str:
    return f"pool-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def worker(machine: Machine, pool: str) -> Program:
    """A worker with all flows of `deployed.py` in its pool."""
    return await machine.start_worker_of(FLOWS / "deployed.py", pool)


async def test_a_deployed_run_is_executed_with_its_logs_output_and_artifacts(
    machine: Machine, observer: Observer, worker: Program, pool: str
) -> None:
    done = await machine.headrace("deployment", "run", "squares/test", "-p", "count=4", "--watch")
    run = only(await observer.runs_of("squares"))
    assert "Completed" in done.out
    assert (run.state.name, run.work_pool_name, run.deployment_name) == ("Completed", pool, "test")
    assert (run.attempt, run.run_count) == (1, 1)
    assert dict(run.parameters) == {"count": 4}
    assert await observer.flow_states(run.flow_run_id) == ["Scheduled", "Pending", "Running", "Completed"]
    assert len(ledger.read(machine.folder, "squares")) == 1
    assert counted(await observer.task_runs(run.flow_run_id)) == {("square", "Completed"): 4}
    artifacts = await observer.artifacts(run.flow_run_id)
    assert sorted(artifacts) == ["sum", "table"]
    assert artifacts["sum"].markdown == "The sum is **14**."

    async def is_complete() -> bool:
        lines = {(record.source, record.message) for record in await observer.logs(run.flow_run_id)}
        return {
            (log_pb2.LOG_SOURCE_PRINT, "printed by the flow"),
            (log_pb2.LOG_SOURCE_STDOUT, "written to standard output"),
            (log_pb2.LOG_SOURCE_STDERR, "written to standard error"),
            (log_pb2.LOG_SOURCE_STDOUT, "said by a child process"),
            *((log_pb2.LOG_SOURCE_LOGGER, f"squaring {number}") for number in range(4)),
        } <= lines

    # What the worker captured comes a moment after the end of the run.
    await eventually(is_complete)


async def test_a_process_that_quits_is_noticed_at_once_and_tried_again(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("quitter/test")
    run = await observer.until(run_id, lambda run: run.attempt == 4 and run.state.name == "Crashed")
    assert "exit code 7" in run.state.message
    states = await observer.flow_states(run_id)
    assert states.count("Crashed") == 4
    assert states.count("AwaitingRetry") == 3


async def test_a_cancelled_run_ends_cancelled_with_its_process(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("sleeper/test")
    await until(lambda: ledger.read(machine.folder, "sleeping"))
    process = psutil.Process(only(ledger.read(machine.folder, "sleeping"))["pid"])
    await observer.until(run_id, lambda run: run.state.type == state_pb2.STATE_TYPE_RUNNING)
    done = await machine.headrace("flow-run", "cancel", run_id, "--reason", "no longer needed")
    run = await observer.ended(run_id)
    assert "Cancelling" in done.out
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED
    assert "no longer needed" in run.state.message
    assert psutil.wait_procs([process], timeout=60)[1] == []
    assert counted(await observer.task_runs(run_id)) == {("nap", "Cancelled"): 1}
    assert worker.process.poll() is None


async def test_a_run_that_does_not_stop_is_killed_after_the_grace(
    machine: Machine, observer: Observer, stack: Stack, worker: Program
) -> None:
    run_id = await machine.start_run("stubborn/test")
    await until(lambda: ledger.read(machine.folder, "stubborn"))
    process = psutil.Process(only(ledger.read(machine.folder, "stubborn"))["pid"])
    await machine.headrace("flow-run", "cancel", run_id)
    run = await observer.ended(run_id, 90)
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED
    # By its worker, before the server would have given it up.
    assert run.state.details.reason != "CANCELLATION_TIMED_OUT", run.state
    assert psutil.wait_procs([process], timeout=60)[1] == []


async def test_a_schedule_makes_runs_that_the_worker_takes(
    machine: Machine, observer: Observer, worker: Program, pool: str
) -> None:
    (machine.folder / "plan.py").write_text(
        "import sys\n"
        "from deployed import tick\n"
        "from headrace.deployments import Cron, Interval\n"
        "tick.deploy('every-second', sys.argv[1], schedules=[\n"
        "    Interval(1, slug='interval', parameters={'kind': 'interval'}),\n"
        "    Cron('* * * * * */2', slug='cron', parameters={'kind': 'cron'}),\n"
        "])\n"
    )
    await machine.python("plan.py", pool)
    await until(lambda: len([line for line in ledger.read(machine.folder, "tick") if line["kind"] == "interval"]) >= 4)
    last = max(
        run.expected_start_at.ToDatetime(datetime.UTC) for run in await observer.runs_of("tick") if has_begun(run)
    )
    # All that was due until then, also what was claimed later or still waits: none of it goes with the pause.
    runs = [run for run in await observer.runs_of("tick") if run.expected_start_at.ToDatetime(datetime.UTC) <= last]
    for kind, step in (("interval", 1), ("cron", 2)):
        due = [
            run.expected_start_at.ToDatetime(datetime.UTC)
            for run in runs
            if dict(run.parameters) == {"kind": kind} and run.auto_scheduled
        ]
        assert len(due) == len(set(due)), "a slot was filled twice"
        assert sorted(due) == [min(due) + datetime.timedelta(seconds=step * n) for n in range(len(due))]
    for run in runs:
        run = await observer.ended(run.flow_run_id)
        assert run.state.name == "Completed"
        assert run.started_at.ToDatetime(datetime.UTC) >= run.expected_start_at.ToDatetime(datetime.UTC)
    await machine.headrace("deployment", "pause", "tick/every-second")

    async def has_settled() -> bool:
        return all(is_final(run) for run in await observer.runs_of("tick"))

    # What the worker had taken before the pause ends; nothing waits any more.
    await eventually(has_settled)


def has_begun(run: flow_run_pb2.FlowRun) -> bool:
    return bool(run.started_at.seconds)


async def test_a_worker_that_is_told_to_stop_finishes_its_runs(
    machine: Machine, observer: Observer, stack: Stack, pool: str
) -> None:
    machine.take(FLOWS / "waiting.py")
    worker = await machine.start_worker(pool)
    (machine.folder / "plan.py").write_text(f"from waiting import waiting\nwaiting.deploy('test', '{pool}')\n")
    await machine.python("plan.py")
    run_id = await machine.start_run("waiting/test", "-p", 'name="go"')
    await until(lambda: ledger.read(machine.folder, "waiting"))
    worker.signal(signal.SIGTERM)
    await worker.until_said("Finishing 1 run")
    pools = stack.stub(work_pool_pb2_grpc.WorkPoolServiceStub)

    async def is_draining() -> bool:
        request = work_pool_pb2.ListWorkersRequest(work_pool_name=pool)
        return [worker.status for worker in (await pools.ListWorkers(request)).workers] == [
            work_pool_pb2.WORKER_STATUS_DRAINING
        ]

    await eventually(is_draining)
    late = await machine.start_run("waiting/test", "-p", 'name="go"')
    (machine.folder / "go").touch()
    assert await worker.ended() == 0
    assert (await observer.ended(run_id)).state.name == "Completed"
    # On a slow machine it has become Late meanwhile.
    assert (await observer.flow_run(late)).state.type == state_pb2.STATE_TYPE_SCHEDULED
