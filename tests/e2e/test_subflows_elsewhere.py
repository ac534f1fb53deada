"""Runs of deployments as subflows: started, waited for, found again, cancelled with their parents."""

from __future__ import annotations

import pathlib
import uuid

import pytest

from headrace_harness import ledger
from headrace_harness.machine import Machine, Program, only
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture
async def worker(machine: Machine) -> Program:
    """A worker with all flows of `deployed.py` in a pool of its own."""
    machine.take(FLOWS / "parents.py")
    return await machine.start_worker_of(FLOWS / "deployed.py", f"pool-{uuid.uuid4().hex[:8]}")


async def test_a_run_of_a_deployment_is_a_subflow_and_is_found_again(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    await machine.python("parents.py", "parent")
    first, second = ledger.read(machine.folder, "child")
    assert first["state"] == "STATE_TYPE_COMPLETED"
    assert first["id"] == second["id"]
    parent = only(await observer.runs_of("parent"))
    assert parent.run_count == 2
    child = await observer.until(str(first["id"]), lambda run: run.state.name == "Completed")
    assert child.parent_flow_run_id == parent.flow_run_id
    stand_in = only(await observer.task_runs(parent.flow_run_id))
    assert (stand_in.child_flow_run_id, stand_in.name, stand_in.state.name) == (
        child.flow_run_id,
        "squares/test-0",
        "Completed",
    )
    assert child.parent_task_run_id == stand_in.task_run_id


async def test_runs_of_deployments_go_side_by_side_in_asynchronous_flows(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    await machine.python("parents.py", "both")
    assert only(ledger.read(machine.folder, "both"))["states"] == ["STATE_TYPE_COMPLETED"] * 2
    parent = only(await observer.runs_of("both"))
    stand_ins = await observer.task_runs(parent.flow_run_id)
    assert [run.state.name for run in stand_ins] == ["Completed"] * 2
    assert len({run.child_flow_run_id for run in stand_ins}) == 2


async def test_a_cancelled_flow_cancels_the_run_that_it_waits_for(
    machine: Machine, observer: Observer, worker: Program
) -> None:
    program = machine.start_python("parents.py", "waits")

    async def is_asleep() -> bool:
        return bool(ledger.read(machine.folder, "sleeping"))

    await eventually(is_asleep, 60)
    parent = only(await observer.runs_of("waits-for-sleeper"))
    runs = await observer.runs_of("sleeper")
    child = only([run for run in runs if run.parent_flow_run_id == parent.flow_run_id])
    await machine.headrace("flow-run", "cancel", parent.flow_run_id)
    await observer.until(parent.flow_run_id, lambda run: run.state.name == "Cancelled")
    await observer.until(child.flow_run_id, lambda run: run.state.name == "Cancelled")
    stand_in = only(await observer.task_runs(parent.flow_run_id))
    assert (stand_in.child_flow_run_id, stand_in.state.name) == (child.flow_run_id, "Cancelled")
    await program.ended()
