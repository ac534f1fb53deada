"""`flow.serve()`: the script itself takes the runs of its deployment."""

from __future__ import annotations

import pathlib
import signal
import time

from headrace.api.v1 import deployment_pb2, deployment_pb2_grpc, state_pb2
from headrace_harness import ledger
from headrace_harness.machine import HEADRACE, Machine
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually, until
from headrace_harness.stack import Stack

FLOWS = pathlib.Path(__file__).parent / "flows"


async def deployment(stack: Stack) -> deployment_pb2.Deployment:
    stub = stack.stub(deployment_pb2_grpc.DeploymentServiceStub)
    request = deployment_pb2.GetDeploymentByNameRequest(flow_name="served", deployment_name="test")
    found: deployment_pb2.Deployment = (await stub.GetDeploymentByName(request)).deployment
    return found


async def test_a_served_flow_takes_runs_and_its_end_pauses_its_schedules(
    machine: Machine, observer: Observer, stack: Stack
) -> None:
    machine.take(FLOWS / "serving.py")
    script = machine.start_python("serving.py")
    await script.until_said("headrace deployment run 'served/test'")
    done = await machine.headrace("deployment", "run", "served/test", "-p", "name=you", "--watch")
    assert "Completed" in done.out
    assert "you" in [line["name"] for line in ledger.read(machine.folder, "finished")]
    await until(lambda: "schedule" in [line["name"] for line in ledger.read(machine.folder, "finished")], script.output)
    # A run that has begun is finished although the script is told to stop.
    done = await machine.headrace(
        "deployment", "run", "served/test", "-p", "name=last", "-p", "wait_for=go", "-o", "json"
    )
    await until(lambda: "last" in [line["name"] for line in ledger.read(machine.folder, "served")], script.output)
    script.signal(signal.SIGTERM)
    await script.until_said("Finishing")
    (machine.folder / "go").touch()
    assert await script.ended() == 0
    last = await observer.flow_run(done.json()["flow_run_id"])
    assert last.state.type == state_pb2.STATE_TYPE_COMPLETED
    assert (await deployment(stack)).paused
    ended_at = time.time()

    async def has_nothing_to_come() -> bool:
        # What was due before and found no place is still there; what was being made just now goes a little later.
        runs = [run for run in await observer.runs_of("served") if run.state.type == state_pb2.STATE_TYPE_SCHEDULED]
        return not [run for run in runs if run.next_scheduled_start_at.seconds > ended_at]

    await eventually(has_nothing_to_come)

    # Served again, the schedules go on.
    served_before = len(ledger.read(machine.folder, "finished"))
    script = machine.start_python("serving.py")
    await until(lambda: len(ledger.read(machine.folder, "finished")) > served_before, script.output)
    assert not (await deployment(stack)).paused
    script.signal(signal.SIGINT)
    assert await script.ended() == 0
    assert (await deployment(stack)).paused


async def test_a_flow_is_served_from_the_command_line(machine: Machine, observer: Observer) -> None:
    machine.take(FLOWS / "serving.py")
    served = machine.start(
        HEADRACE, "flow", "serve", "serving.py:served", "--name", "by-command", "--param", "name=me", "--tag", "shell"
    )
    await served.until_said("headrace deployment run 'served/by-command'")
    run_id = await machine.start_run("served/by-command")
    run = await observer.ended(run_id)
    assert (run.state.type, list(run.tags)) == (state_pb2.STATE_TYPE_COMPLETED, ["shell"])
    assert [line["name"] for line in ledger.read(machine.folder, "finished")] == ["me"]
    assert await served.stop() == 0
