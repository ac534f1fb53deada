"""What automations do beside calling URLs and starting runs."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Value

from headrace.api.v1 import (
    automation_pb2,
    automation_pb2_grpc,
    deployment_pb2,
    event_pb2,
    event_pb2_grpc,
    state_pb2,
    variable_pb2,
    work_pool_pb2,
)
from headrace.ids import uuid7
from headrace_harness.automations import an_automation, create, settled
from headrace_harness.services import RunningService
from headrace_notification.rules.firings import CHAIN
from service.notification.played import World, a_run

FAILED = state_pb2.STATE_TYPE_FAILED
DELIVERED, DEAD = automation_pb2.DELIVERY_STATUS_DELIVERED, automation_pb2.DELIVERY_STATUS_DEAD


def an_action(kind: str, **fields: Any) -> automation_pb2.Action:
    action = automation_pb2.Action()
    message = getattr(action, kind)
    message.SetInParent()
    for name, value in fields.items():
        setattr(message, name, value)
    return action


async def done(service: RunningService, world: World, *actions: automation_pb2.Action) -> Any:
    """Let a run fail, with these actions for it; return the run once they are done."""
    await create(service.channel, an_automation(*actions))
    run = a_run()
    await world.enter(run, FAILED)
    found = await settled(service.channel, len(actions))
    assert [one.status for one in found] == [DELIVERED] * len(actions), found
    return run


@pytest.mark.parametrize("is_chosen", [True, False])
async def test_deployments_and_runs_are_steered(service: RunningService, world: World, is_chosen: bool) -> None:
    chosen = str(uuid7()) if is_chosen else ""
    kinds = ("pause_deployment", "resume_deployment", "suspend_flow_run", "resume_flow_run", "delete_flow_run")
    run = await done(service, world, *(an_action(kind, target_id=chosen) for kind in kinds))
    assert {(type(request).__name__, request.deployment_id) for request in world.deployments.steered} == {
        ("PauseDeploymentRequest", chosen or run.deployment_id),
        ("ResumeDeploymentRequest", chosen or run.deployment_id),
    }
    assert {(type(request).__name__, request.flow_run_id) for request in world.state.steered} == {
        ("SuspendFlowRunRequest", chosen or run.flow_run_id),
        ("ResumeFlowRunRequest", chosen or run.flow_run_id),
        ("DeleteFlowRunRequest", chosen or run.flow_run_id),
    }


async def test_pools_and_queues_are_paused_and_resumed(service: RunningService, world: World) -> None:
    await done(
        service,
        world,
        an_action("pause_work_pool", work_pool_name="other"),
        an_action("resume_work_pool"),
        an_action("pause_work_queue", work_pool_name="other", work_queue_name="urgent"),
        an_action("resume_work_queue"),
    )
    seen = set()
    for request in world.work_pools.steered:
        assert list(request.update_mask.paths) == ["paused"]
        if isinstance(request, work_pool_pb2.UpdateWorkPoolRequest):
            seen.add((request.work_pool.name, "", request.work_pool.paused))
        else:
            seen.add((request.work_pool_name, request.work_queue.name, request.work_queue.paused))
    assert seen == {
        ("other", "", True),
        ("pool", "", False),
        ("other", "urgent", True),
        ("pool", "default", False),
    }


async def test_a_schedule_is_switched_and_nothing_else_of_it_changes(service: RunningService, world: World) -> None:
    schedule = deployment_pb2.Schedule(schedule_id=str(uuid7()), slug="nightly", active=True)
    schedule.rule.cron.expression = "0 3 * * *"
    world.deployments.schedules.append(schedule)
    await done(service, world, an_action("pause_schedule", schedule_id=schedule.schedule_id))
    [request] = world.deployments.steered
    assert isinstance(request, deployment_pb2.UpdateScheduleRequest)
    assert list(request.update_mask.paths) == ["active"]
    assert not request.schedule.active
    assert request.schedule.rule.cron.expression == "0 3 * * *"


async def test_a_schedule_that_is_gone_is_said_to_be(service: RunningService, world: World) -> None:
    await create(service.channel, an_automation(an_action("resume_schedule", schedule_id=str(uuid7()))))
    await world.enter(a_run(), FAILED)
    [delivery] = await settled(service.channel)
    assert delivery.status == DEAD
    assert "has no schedule" in delivery.last_answer


async def test_an_automation_disables_itself_and_enables_another(service: RunningService, world: World) -> None:
    other = await create(service.channel, an_automation(an_action("do_nothing"), expect=["app.*"], enabled=False))
    own = await create(
        service.channel,
        an_automation(an_action("resume_automation", target_id=other.automation_id), an_action("pause_automation")),
    )
    await world.enter(a_run(), FAILED)
    await settled(service.channel, 2)
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    found = await stub.ListAutomations(automation_pb2.ListAutomationsRequest())
    assert {one.automation_id: one.enabled for one in found.automations} == {
        own.automation_id: False,
        other.automation_id: True,
    }


async def test_an_emitted_event_tells_what_led_to_it(service: RunningService, world: World) -> None:
    emit = automation_pb2.EmitEventAction(
        name="incident.declared", resource_id="incident.{{ flow_run.name }}", resource_name="{{ flow.name }} is down"
    )
    emit.payload.update({"severity": "high", "run": "{{ event.resource.name }}"})
    automation = await create(service.channel, an_automation(automation_pb2.Action(emit_event=emit)))
    state_id = await world.enter(a_run(), FAILED)
    [delivery] = await settled(service.channel)
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    event = (await stub.GetEvent(event_pb2.GetEventRequest(event_id=delivery.delivery_id))).event
    assert (event.name, event.resource.resource_id, event.resource.name) == (
        "incident.declared",
        "incident.happy-cat",
        "etl is down",
    )
    assert event.follows_event_id == state_id
    assert MessageToDict(event.payload) == {"severity": "high", "run": "happy-cat"}
    roles = {related.role: related.resource_id for related in event.related}
    assert roles["creator"] == f"headrace.automation.{automation.automation_id}"
    assert roles["cause"].startswith("headrace.flow-run.")


async def test_templates_see_variables_labels_and_where_things_are_shown(service: RunningService, world: World) -> None:
    world.state.variables["team"] = variable_pb2.Variable(name="team", value=Value(string_value="data"))
    emit = automation_pb2.EmitEventAction(name="app.told", resource_id="x")
    emit.payload.update(
        {
            "team": "{{ variables.team }}{{ variables['nothing'] }}",
            "labels": "{{ labels['headrace.resource.id'] }}",
            "run": "{{ flow_run|ui_url }} {{ flow_run.flow_id }} {{ event|flow_run_id }}",
            "flow": "{{ flow|ui_url }}",
            "pool": "{{ work_pool|ui_url }}",
            "events": "{{ flow_run|ui_resource_events_url }}",
            "event": "{{ event.url }} {{ events|length }}",
            "automation": "{{ automation|ui_url }}",
            "none": "{{ task_run|ui_url }}{{ concurrency_limit|ui_url }}",
        }
    )
    automation = an_automation(automation_pb2.Action(emit_event=emit))
    automation.trigger.event.for_each.append("headrace.resource.id")
    created = await create(service.channel, automation)
    run = a_run()
    state_id = await world.enter(run, FAILED)
    [delivery] = await settled(service.channel)
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    event = (await stub.GetEvent(event_pb2.GetEventRequest(event_id=delivery.delivery_id))).event
    told = MessageToDict(event.payload)
    base = told["run"].partition("/runs/")[0]
    about = f"headrace.flow-run.{run.flow_run_id}"
    assert base.startswith("http")
    assert told == {
        "team": "data",
        "labels": about,
        "run": f"{base}/runs/{run.flow_run_id} {run.flow_id} {run.flow_run_id}",
        "flow": f"{base}/flows/{run.flow_id}",
        "pool": f"{base}/work-pools/pool",
        "events": f"{base}/events?resource={about}",
        "event": f"{base}/events/{state_id} 1",
        "automation": f"{base}/automations/{created.automation_id}",
        "none": "",
    }


async def test_automations_that_lead_to_each_other_stop_after_one_round(service: RunningService, world: World) -> None:
    def emitting(name: str) -> automation_pb2.Action:
        return automation_pb2.Action(emit_event=automation_pb2.EmitEventAction(name=name))

    await create(service.channel, an_automation(emitting("app.ping"), expect=["app.pong", "app.start"], name="one"))
    await create(service.channel, an_automation(emitting("app.pong"), expect=["app.ping"], name="two"))
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    start = event_pb2.Event(name="app.start", resource=event_pb2.EventResource(resource_id="app.1"))
    await stub.EmitEvents(event_pb2.EmitEventsRequest(events=[start]))
    found = await settled(service.channel, 3)
    assert [(one.automation_name, one.status) for one in found] == [
        ("one", DELIVERED),
        ("two", DELIVERED),
        ("one", DEAD),
    ]
    assert "circles" in found[-1].last_answer


async def test_a_run_carries_along_which_automations_led_to_it(service: RunningService, world: World) -> None:
    first, second = str(uuid7()), str(uuid7())
    start = automation_pb2.RunDeploymentAction()
    start.job_variables.update({"image": "python:{{ flow_run.parameters.n }}"})
    start.schedule_after.FromSeconds(3600)
    automation = await create(service.channel, an_automation(automation_pb2.Action(run_deployment=start)))
    run = a_run()
    run.labels.update({CHAIN: f"{first},{second}"})
    await world.enter(run, FAILED)
    await settled(service.channel)
    [asked] = world.deployments.asked
    assert asked.labels[CHAIN] == f"{first},{second},{automation.automation_id}"
    assert MessageToDict(asked.job_variables) == {"image": "python:3"}
    assert asked.scheduled_at.seconds - run.state.occurred_at.seconds == 3600
    caught = a_run()
    caught.labels.update({CHAIN: asked.labels[CHAIN]})
    await world.enter(caught, FAILED)
    _, refused = await settled(service.channel, 2)
    assert refused.status == DEAD
    assert len(world.deployments.asked) == 1


async def test_no_event_is_emitted_in_the_servers_name(service: RunningService, world: World) -> None:
    emit = automation_pb2.EmitEventAction(name="{{ event.name }}")
    await create(service.channel, an_automation(automation_pb2.Action(emit_event=emit)))
    await world.enter(a_run(), FAILED)
    [delivery] = await settled(service.channel)
    assert delivery.status == DEAD
    assert "the server's own" in delivery.last_answer
