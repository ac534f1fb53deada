"""A deployment has triggers: events start its runs, until it or they are gone."""

from __future__ import annotations

import uuid

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, flow_run_pb2
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually
from headrace_harness.stack import Stack

PROJECT = """\
deployments:
- name: told
  entrypoint: flows.py:load
  work_pool: {name: POOL}
  triggers:
  - expect: orders.imported
    match: {headrace.resource.id: "shop.POOL"}
    parameters: {count: "{{ event.payload.count }}"}
"""
FLOWS = """\
from headrace import flow


@flow(name="NAME")
def load(count: str = "") -> None:
    print(count)
"""
EMIT = """\
import sys

from headrace import emit_event

emit_event("orders.imported", resource="shop." + sys.argv[1], payload={"count": 7})
emit_event("orders.imported", resource="shop.elsewhere", payload={"count": 8})
"""
DEPLOY = """\
from flows import load
from headrace.deployments import Trigger

load.deploy("told", "POOL", triggers=[Trigger(name="by code", expect="orders.imported", enabled=False)])
"""


async def test_events_start_runs_of_a_deployment_that_has_triggers(
    machine: Machine, observer: Observer, stack: Stack
) -> None:
    name = f"load-{uuid.uuid4().hex[:8]}"
    for file, text in (("headrace.yaml", PROJECT), ("flows.py", FLOWS), ("emit.py", EMIT), ("deploy.py", DEPLOY)):
        (machine.folder / file).write_text(text.replace("POOL", name).replace("NAME", name))
    await machine.headrace("work-pool", "create", name)
    planned = (await machine.headrace("deploy", "--dry-run")).out
    assert f"+ {name}/told would be created" in planned
    assert 'trigger.event.expect.0: "orders.imported"' in planned
    await machine.headrace("deploy")
    assert f"= {name}/told is as the file says" in (await machine.headrace("deploy")).out

    await machine.python("emit.py", name)
    runs: list[flow_run_pb2.FlowRun] = []

    async def has_started() -> bool:
        runs[:] = await observer.runs_of(name)
        return bool(runs)

    await eventually(has_started)
    run = only(runs)
    assert run.parameters["count"] == "7"
    stub = stack.stub(automation_pb2_grpc.AutomationServiceStub)

    async def owned() -> list[automation_pb2.Automation]:
        request = automation_pb2.ListAutomationsRequest(owner_resource_id=f"headrace.deployment.{run.deployment_id}")
        return list((await stub.ListAutomations(request)).automations)

    assert [automation.name for automation in await owned()] == [f"{name}/told"]
    await machine.python("deploy.py")
    [changed] = await owned()
    assert (changed.name, changed.enabled) == ("by code", False)

    await machine.headrace("deployment", "delete", f"{name}/told", "--yes")

    async def are_gone() -> bool:
        return not await owned()

    await eventually(are_gone)


async def test_a_trigger_that_the_server_refuses_changes_nothing(machine: Machine) -> None:
    name = f"load-{uuid.uuid4().hex[:8]}"
    wrong = PROJECT.replace("expect: orders.imported", "posture: proactive\n    expect: orders.imported\n    within: 3")
    (machine.folder / "headrace.yaml").write_text(wrong.replace("POOL", name))
    (machine.folder / "flows.py").write_text(FLOWS.replace("NAME", name))
    await machine.headrace("work-pool", "create", name)
    refused = await machine.headrace("deploy", expect=None)
    assert refused.exit_code != 0
    assert "must be at least 10 seconds" in refused.out + refused.err
    listed = await machine.headrace("deployment", "ls", "-o", "json")
    assert name not in listed.out
