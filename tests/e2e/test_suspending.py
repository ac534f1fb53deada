"""Runs that give their process up: suspended, asleep, waiting for an event; and come back on any worker."""

from __future__ import annotations

import pathlib
import uuid

import psutil
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc, state_pb2
from headrace_harness import ledger
from headrace_harness.machine import Machine, Program
from headrace_harness.observer import Observer, counted
from headrace_harness.servers import eventually, until
from headrace_harness.stack import Stack

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture
def pool() -> str:
    return f"pool-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def worker(machine: Machine, pool: str) -> Program:
    """A worker with the flows of `suspending.py` in its pool."""
    return await machine.start_worker_of(FLOWS / "suspending.py", pool)


async def is_gone(machine: Machine, place: int) -> None:
    """Wait until the process of the flow's n-th call has ended."""
    process_id = ledger.read(machine.folder, "called")[place]["pid"]
    await until(lambda: not psutil.pid_exists(process_id))


async def test_a_suspended_run_ends_its_process_and_goes_on_with_what_was_filled_in(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("approval/test", "-p", "name=x")
    await observer.until(run_id, lambda run: run.state.name == "Suspended")
    await is_gone(machine, 0)
    shown = (await machine.headrace("flow-run", "inputs", run_id, "-o", "json")).json()
    assert [each["key"] for each in shown] == ["pause-0-schema", "pause-0-description"]
    refused = await machine.headrace("flow-run", "resume", run_id, "--input", '{"amount": "many"}', expect=None)
    assert refused.exit_code != 0
    assert "run_input.approved" in refused.out + refused.err
    assert "run_input.amount" in refused.out + refused.err
    await machine.headrace("flow-run", "resume", run_id, "--input", '{"approved": true, "amount": 7}')
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert (run.attempt, run.run_count) == (2, 2)
    states = await observer.flow_states(run_id)
    assert states == [
        "Scheduled", "Pending", "Running", "Suspended", "Resuming", "Pending", "Running", "Completed"
    ]  # fmt: skip
    # The task before the pause was executed once.
    assert [line["name"] for line in ledger.read(machine.folder, "prepared")] == ["x", "after"]
    assert len(ledger.read(machine.folder, "called")) == 2
    assert counted(await observer.task_runs(run_id)) == {("prepare", "Completed"): 2}


@pytest.mark.parametrize("flow_name", ["napping", "napping-together"])
async def test_a_sleeping_run_has_no_process_and_wakes_once(
    machine: Machine, observer: Observer, worker: Program, flow_name: str
) -> None:
    run_id = await machine.start_run(f"{flow_name}/test", "-p", "seconds=3")
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert 2 <= run.attempt <= 3
    called = ledger.read(machine.folder, "called")
    assert len({line["pid"] for line in called}) == run.attempt
    asleep = [state for state in await observer.flow_state_history(run_id) if state.name == "Sleeping"]
    assert all(state.type == state_pb2.STATE_TYPE_SCHEDULED for state in asleep)
    # The sleep was over before its process was called again.
    wakes_at = asleep[-1].details.scheduled_at
    assert called[-1]["at"] >= wakes_at.seconds + wakes_at.nanos / 1e9
    assert [line["name"] for line in ledger.read(machine.folder, "prepared")] == ["before", "after"]
    assert len(ledger.read(machine.folder, "woke")) == 1


async def test_a_run_that_wakes_before_its_process_has_ended_goes_on_at_once(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("nodding/test", "-p", "times=4")
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    # No claim had to be given back because the worker still had the process of the attempt before.
    woken = ["Sleeping", "Pending", "Running"] * (run.attempt - 1)
    assert await observer.flow_states(run_id) == ["Scheduled", "Pending", "Running", *woken, "Completed"]
    assert len(ledger.read(machine.folder, "called")) == run.attempt >= 2


async def test_a_run_that_waits_for_an_event_has_no_process_until_it_comes(
    machine: Machine, observer: Observer, stack: Stack, worker: Program
) -> None:
    order = f"order.{uuid.uuid4()}"
    run_id = await machine.start_run("ordering/test", "-p", f"order={order}")
    await observer.until(run_id, lambda run: run.state.name == "AwaitingEvent")
    await is_gone(machine, 0)
    await send_event(stack, "order.paid", "order.another", 1)
    await send_event(stack, "order.paid", order, 42)
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert run.attempt == 2
    assert [line["name"] for line in ledger.read(machine.folder, "prepared")] == [order]
    assert await waits_of(stack, run_id) == 0


async def test_what_a_run_waits_for_is_forgotten_with_the_run(
    machine: Machine, observer: Observer, stack: Stack, worker: Program
) -> None:
    run_id = await machine.start_run("ordering/test", "-p", "order=never")
    await observer.until(run_id, lambda run: run.state.name == "AwaitingEvent")
    assert await waits_of(stack, run_id) == 1
    await machine.headrace("flow-run", "cancel", run_id)
    assert (await observer.ended(run_id)).state.type == state_pb2.STATE_TYPE_CANCELLED

    async def is_forgotten() -> bool:
        return await waits_of(stack, run_id) == 0

    await eventually(is_forgotten)


async def test_a_paused_run_keeps_its_process(machine: Machine, observer: Observer, worker: Program) -> None:
    run_id = await machine.start_run("asking/test")
    await observer.until(run_id, lambda run: run.state.name == "Paused")
    (machine.folder / "answer.json").write_text('{"value": 12}')
    await machine.headrace("flow-run", "resume", run_id, "--input-file", "answer.json")
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert run.attempt == 1
    assert len(ledger.read(machine.folder, "called")) == 1


async def test_a_run_that_loses_its_process_in_a_pause_pauses_again_and_does_not_repeat_its_tasks(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("busy/test")
    await observer.until(run_id, lambda run: run.state.name == "Paused")
    psutil.Process(ledger.read(machine.folder, "called")[0]["pid"]).kill()
    await observer.until(run_id, lambda run: run.state.name == "Paused" and run.attempt == 2)
    await machine.headrace("flow-run", "resume", run_id)
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert len(ledger.read(machine.folder, "called")) == 2
    assert len(ledger.read(machine.folder, "prepared")) == 1


async def test_a_run_that_somebody_suspends_ends_its_process_at_once_and_goes_on_where_it_was(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("lengthy/test", "-p", "wait_for=go")
    await until(lambda: ledger.read(machine.folder, "begun"))
    done = await machine.headrace("flow-run", "suspend", run_id, "--reason", "the machine is needed")
    assert "Suspended" in done.out
    await is_gone(machine, 0)
    suspended = await observer.flow_run(run_id)
    assert (suspended.state.name, suspended.state.message) == ("Suspended", "the machine is needed")
    (machine.folder / "go").touch()
    await machine.headrace("flow-run", "resume", run_id)
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED, run.state.message
    assert run.attempt == 2
    assert len(ledger.read(machine.folder, "prepared")) == 1
    assert len(ledger.read(machine.folder, "begun")) == 2
    assert counted(await observer.task_runs(run_id)) == {("prepare", "Completed"): 1, ("long_step", "Completed"): 1}


async def test_a_retry_executes_what_it_is_told_to_and_takes_the_rest_over(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    run_id = await machine.start_run("chain/test")
    assert (await observer.ended(run_id)).state.type == state_pb2.STATE_TYPE_FAILED

    async def retried(*options: str) -> list[str]:
        before = len(ledger.read(machine.folder, "stepped"))
        await machine.headrace("flow-run", "retry", run_id, *options)
        await observer.ended(run_id)
        return [line["name"] for line in ledger.read(machine.folder, "stepped")][before:]

    assert await retried() == ["third"]
    (machine.folder / "repaired").touch()
    assert await retried("--failed-only") == ["third"]
    assert (await observer.flow_run(run_id)).state.type == state_pb2.STATE_TYPE_COMPLETED
    assert await retried("--from-task", "second-2") == ["second", "third"]
    assert await retried("--whole") == ["first", "other", "second", "third"]
    run = await observer.flow_run(run_id)
    assert (run.state.type, run.attempt) == (state_pb2.STATE_TYPE_COMPLETED, 5)
    assert set(counted(await observer.task_runs(run_id)).values()) == {1}
    refused = await machine.headrace("flow-run", "retry", run_id, "--failed-only", expect=None)
    assert refused.exit_code != 0
    assert "completed with a result" in refused.out + refused.err


async def send_event(stack: Stack, name: str, resource_id: str, amount: int) -> None:
    """Let an event happen."""
    at = Timestamp()
    at.GetCurrentTime()
    payload = Struct()
    payload.update({"amount": amount})
    event = event_pb2.Event(
        name=name, occurred_at=at, resource=event_pb2.EventResource(resource_id=resource_id), payload=payload
    )
    await stack.stub(event_pb2_grpc.EventServiceStub).EmitEvents(event_pb2.EmitEventsRequest(events=[event]))


async def waits_of(stack: Stack, run_id: str) -> int:
    """Return how many events a run waits for."""
    request = automation_pb2.ListAutomationsRequest(owner_resource_id=f"headrace.flow-run.{run_id}")
    return len((await stack.stub(automation_pb2_grpc.AutomationServiceStub).ListAutomations(request)).automations)
