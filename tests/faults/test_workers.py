"""Workers and flow processes are killed, stopped and woken up: each run ends, and each step is recorded once."""

from __future__ import annotations

import asyncio
import signal

import psutil

from headrace.api.v1 import state_pb2
from headrace_harness import ledger
from headrace_harness.machine import Machine, Program, only
from headrace_harness.observer import Observer, counted
from headrace_harness.proxy import Gate, a_gate
from headrace_harness.servers import EmbeddedServer, eventually, until

RETRIED = ["Scheduled", "Pending", "Running", "Crashed", "AwaitingRetry", "Pending", "Running", "Completed"]


def process_of(machine: Machine, event: str = "half") -> psutil.Process:
    """Return the process of the flow that noted `event` last."""
    return psutil.Process(ledger.read(machine.folder, event)[-1]["pid"])


async def until_half(machine: Machine, count: int = 1) -> None:
    """Return once a flow waits in the middle of its steps for the `count`th time."""
    await until(lambda: len(ledger.read(machine.folder, "half")) >= count)


def kill_all(worker: Program) -> None:
    """Kill a worker with everything that it has started, as when its machine goes down."""
    everybody = [psutil.Process(worker.pid), *worker.descendants()]
    for process in everybody:
        process.suspend()
    for process in everybody:
        process.kill()


async def test_a_run_outlives_its_worker(machine: Machine, observer: Observer, pool: str) -> None:
    worker = await machine.start_worker(pool)
    run_id = await machine.start_run("steps/test", "-p", "count=10", "-p", "wait_for=go")
    await until_half(machine)
    worker.signal(signal.SIGKILL)
    await worker.ended()
    other = await machine.start_worker(pool)

    async def is_offline() -> bool:
        return "offline" in (await machine.headrace("worker", "ls", "--pool", pool, "--all")).out

    # The server notices that the worker is gone; the process renews its lease by itself.
    await eventually(is_offline)
    assert (await observer.flow_run(run_id)).state.type == state_pb2.STATE_TYPE_RUNNING
    (machine.folder / "go").touch()
    run = await observer.ended(run_id)
    assert (run.state.name, run.attempt) == ("Completed", 1)
    assert [line["number"] for line in ledger.read(machine.folder, "step")] == list(range(10))
    assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): 10}

    async def is_logged() -> bool:
        printed = [record.message for record in await observer.logs(run_id) if record.message.startswith("step ")]
        return [line.split()[1] for line in printed] == [str(number) for number in range(10)]

    await eventually(is_logged)
    assert await other.stop() == 0


async def test_a_run_whose_machine_is_gone_is_tried_again_elsewhere(
    machine: Machine, observer: Observer, pool: str
) -> None:
    worker = await machine.start_worker(pool)
    run_id = await machine.start_run("steps/test", "-p", "count=6", "-p", "wait_for=go")
    await until_half(machine)
    kill_all(worker)
    await machine.start_worker(pool)
    (machine.folder / "go").touch()
    run = await observer.ended(run_id)
    assert await observer.flow_states(run_id) == RETRIED
    assert (run.attempt, run.run_count) == (2, 2)
    # Steps are executed again where nothing persists their results, under the names that they had.
    assert [line["number"] for line in ledger.read(machine.folder, "step")] == [0, 1, 2, 0, 1, 2, 3, 4, 5]
    assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): 6}


async def test_a_killed_flow_process_is_noticed_at_once_and_tried_again(
    machine: Machine, observer: Observer, pool: str
) -> None:
    worker = await machine.start_worker(pool)
    run_id = await machine.start_run("steps/test", "-p", "count=6", "-p", "wait_for=go")
    await until_half(machine)
    process_of(machine).kill()
    await observer.until(run_id, lambda run: run.attempt == 2)
    (machine.folder / "go").touch()
    run = await observer.ended(run_id)
    assert await observer.flow_states(run_id) == RETRIED
    assert run.attempt == 2
    # By the worker: no lease had to run out.
    crash = only([state for state in await observer.flow_state_history(run_id) if state.name == "Crashed"])
    assert "SIGKILL" in crash.message, crash

    async def is_logged() -> bool:
        return len([record for record in await observer.logs(run_id) if "SIGKILL" in record.message]) == 1

    await eventually(is_logged)
    assert await worker.stop() == 0


async def test_a_killed_script_crashes_its_run(machine: Machine, observer: Observer) -> None:
    script = machine.start_python("steps.py", "steps", "6", "0.01", "go")
    await until_half(machine)
    run_id = only(await observer.runs_of("steps")).flow_run_id

    async def is_known() -> bool:
        return counted(await observer.task_runs(run_id)) == {("step", "Completed"): 3}

    # What has happened but was not told yet dies with the process.
    await eventually(is_known)
    script.signal(signal.SIGKILL)
    run = await observer.ended(run_id)
    assert (run.state.name, run.state.details.reason) == ("Crashed", "LEASE_LOST")
    assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): 3}


async def test_a_killed_warm_parent_loses_no_run_and_is_replaced(
    machine: Machine, observer: Observer, pool: str
) -> None:
    worker = await machine.start_worker(pool)
    run_id = await machine.start_run("steps/test", "-p", "count=6", "-p", "wait_for=go")
    await until_half(machine)
    flow_process = process_of(machine)
    parent = flow_process.parent()
    assert parent is not None
    assert "headrace.worker.forkserver" in parent.cmdline()
    parent.kill()
    (machine.folder / "go").touch()
    run = await observer.ended(run_id)
    assert run.state.name == "Completed"
    assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): 6}
    again = await observer.ended(await machine.start_run("steps/test", "-p", "count=2"))
    assert again.state.name == "Completed"
    assert await worker.stop() == 0


async def test_an_attempt_that_was_replaced_records_nothing_when_it_wakes_up(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    async with a_gate(server.status()["grpc_address"]) as gate:
        await replace_an_attempt(gate, machine, observer, pool)


async def replace_an_attempt(gate: Gate, machine: Machine, observer: Observer, pool: str) -> None:
    worker = await machine.start_worker(pool, HEADRACE_API_GRPC_ADDRESS=gate.address)
    run_id = await machine.start_run("steps/test", "-p", "count=6", "-p", "wait_for=go")
    await until_half(machine)
    stale = process_of(machine)
    asleep = [psutil.Process(worker.pid), *worker.descendants()]
    for process in asleep:
        process.suspend()
    try:
        await machine.start_worker(pool)
        # The lease runs out, and the other worker begins anew.
        await until_half(machine, 2)
        assert process_of(machine).pid != stale.pid

        async def is_recorded() -> bool:
            return counted(await observer.task_runs(run_id)) == {("step", "Completed"): 3}

        await eventually(is_recorded)
        # Both may go on now. The one that has slept does so before it can hear that its run is lost.
        gate.shut()
        (machine.folder / "go").touch()
    finally:
        for process in reversed(asleep):
            process.resume()

    def has_gone_on() -> bool:
        return stale.pid in {line["pid"] for line in ledger.read(machine.folder, "step") if line["number"] >= 3}

    await until(has_gone_on)
    gate.open()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, [stale], 60)
    assert (len(gone), alive) == (1, [])
    run = await observer.ended(run_id)
    assert await observer.flow_states(run_id) == RETRIED
    assert (run.state.name, run.attempt) == ("Completed", 2)
    task_runs = await observer.task_runs(run_id)
    assert counted(task_runs) == {("step", "Completed"): 6}
    # The later steps belong to the second attempt alone, although both took them.
    for task_run in task_runs[3:]:
        assert await observer.task_states(task_run.task_run_id) == ["Running", "Completed"]
    # The worker that slept goes on as if nothing had been.
    assert worker.process.poll() is None
