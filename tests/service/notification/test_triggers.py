from __future__ import annotations

import asyncio
import datetime
import json
from typing import Any

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from headrace import errors
from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace_chassis.settings import ServerSettings
from headrace_harness.automations import a_match, a_webhook, an_automation, create, deliveries, settled
from headrace_harness.receiver import Receiver, Reply, a_receiver
from headrace_harness.services import RunningService, running_service
from headrace_harness.waiting import eventually
from headrace_notification.wiring import build
from service.notification.played import World, a_run

SECOND = datetime.timedelta(seconds=1)
PROACTIVE = automation_pb2.TRIGGER_POSTURE_PROACTIVE
DEAD = automation_pb2.DELIVERY_STATUS_DEAD


async def emit(service: RunningService, name: str, resource_id: str = "app.1", *, ago: float = 0.0) -> None:
    event = event_pb2.Event(event_id=str(uuid7()), name=name, resource=event_pb2.EventResource(resource_id=resource_id))
    event.occurred_at.FromDatetime(datetime.datetime.now(datetime.UTC) - ago * SECOND)
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    await stub.EmitEvents(event_pb2.EmitEventsRequest(events=[event]))


async def barrier(service: RunningService, receiver: Receiver) -> None:
    """Return once everything that was emitted before is evaluated and delivered."""
    if "/barrier" not in await automation_names(service):
        await create(
            service.channel, an_automation(a_webhook(receiver.url + "/b"), expect=["barrier"], name="/barrier")
        )
    before = sum(request.path == "/hook/b" for request in receiver.received)
    await emit(service, "barrier")
    while sum(request.path == "/hook/b" for request in receiver.received) == before:
        await receiver.got(len(receiver.received) + 1)
    await settled(service.channel)


async def automation_names(service: RunningService) -> list[str]:
    stub: Any = automation_pb2_grpc.AutomationServiceStub(service.channel)
    response = await stub.ListAutomations(automation_pb2.ListAutomationsRequest(page_size=200))
    return [automation.name for automation in response.automations]


def fired(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.received if request.path != "/hook/b"]


async def test_a_threshold_counts_apart_and_begins_anew(service: RunningService, receiver: Receiver) -> None:
    await create(
        service.channel,
        an_automation(a_webhook(receiver.url), expect=["app.failed"], threshold=3, for_each=["headrace.resource.id"]),
    )
    for resource_id in ("app.1", "app.2", "app.1", "app.2", "app.1"):
        await emit(service, "app.failed", resource_id)
    await barrier(service, receiver)
    assert [body["firing"]["labels"] for body in fired(receiver)] == [{"headrace.resource.id": "app.1"}]
    for _ in range(3):
        await emit(service, "app.failed", "app.1")
    await barrier(service, receiver)
    assert len(fired(receiver)) == 2


async def test_a_threshold_within_a_span_fires_once_in_it(service: RunningService, receiver: Receiver) -> None:
    await create(
        service.channel,
        an_automation(a_webhook(receiver.url), expect=["app.failed"], threshold=2, within=60 * SECOND),
    )
    await emit(service, "app.failed", ago=600)
    await emit(service, "app.failed", ago=500)
    await barrier(service, receiver)
    assert fired(receiver) == []
    for ago in (490, 489, 488, 487):
        await emit(service, "app.failed", ago=ago)
    await barrier(service, receiver)
    assert len(fired(receiver)) == 1
    for ago in (30, 29):
        await emit(service, "app.failed", ago=ago)
    await barrier(service, receiver)
    assert len(fired(receiver)) == 2


async def test_an_expected_event_counts_only_after_the_one_that_it_follows(
    service: RunningService, receiver: Receiver
) -> None:
    await create(
        service.channel,
        an_automation(a_webhook(receiver.url), after=["app.armed"], expect=["app.failed"], within=60 * SECOND),
    )
    await emit(service, "app.failed")
    await emit(service, "app.armed")
    await barrier(service, receiver)
    assert fired(receiver) == []
    await emit(service, "app.failed")
    await emit(service, "app.failed")
    await barrier(service, receiver)
    assert len(fired(receiver)) == 1


async def test_what_remembers_survives_a_restart(
    database_url: str, world: World, settings: ServerSettings, receiver: Receiver
) -> None:
    for place in range(3):
        async with running_service(
            "notification", build, database_url, neighbours=world.neighbours, settings=settings
        ) as service:
            if place == 0:
                await create(
                    service.channel, an_automation(a_webhook(receiver.url), expect=["app.failed"], threshold=3)
                )
            await emit(service, "app.failed")
            await barrier(service, receiver)
            assert len(fired(receiver)) == (1 if place == 2 else 0)


async def test_what_does_not_come_in_time_fires_and_its_coming_resolves(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    automation = an_automation(
        a_webhook(receiver.url),
        posture=PROACTIVE,
        after=["headrace.flow-run.Running"],
        expect=["headrace.flow-run.Completed", "headrace.flow-run.Failed"],
        match=a_match(resource_id="headrace.flow-run.*"),
        for_each=["headrace.resource.id"],
        within=10 * SECOND,
    )
    automation.actions_on_trigger.append(a_webhook(receiver.url + "/late"))
    automation.actions_on_resolve.append(a_webhook(receiver.url + "/fine"))
    await create(service.channel, automation)
    quick, slow = a_run(), a_run()
    now = datetime.datetime.now(datetime.UTC)
    for run in (quick, slow):
        await world.enter(run, state_pb2.STATE_TYPE_RUNNING, at=now - 9 * SECOND)
    await world.enter(quick, state_pb2.STATE_TYPE_COMPLETED, at=now)
    await receiver.got(2)
    assert sorted(request.path for request in receiver.received) == ["/hook", "/hook/late"]
    subject = f"headrace.flow-run.{slow.flow_run_id}"
    assert [body["resource"]["id"] for body in fired(receiver)] == [subject] * 2
    assert {body["firing"]["state"] for body in fired(receiver)} == {"fired"}
    await world.enter(slow, state_pb2.STATE_TYPE_FAILED)
    await receiver.got(4)
    assert sorted(request.path for request in receiver.received[2:]) == ["/hook", "/hook/fine"]
    assert {body["firing"]["state"] for body in fired(receiver)[2:]} == {"resolved"}
    await settled(service.channel, 4)


async def test_silence_of_a_source_is_not_taken_for_the_absence_of_events(
    database_url: str, world: World, settings: ServerSettings, receiver: Receiver
) -> None:
    run = a_run()
    async with running_service(
        "notification", build, database_url, neighbours=world.neighbours, settings=settings
    ) as service:
        await create(
            service.channel,
            an_automation(
                a_webhook(receiver.url),
                posture=PROACTIVE,
                after=["headrace.flow-run.Running"],
                expect=["headrace.flow-run.Completed"],
                within=10 * SECOND,
            ),
        )
        now = datetime.datetime.now(datetime.UTC)
        await world.enter(run, state_pb2.STATE_TYPE_RUNNING, at=now - 9 * SECOND)
        await until_buckets(database_url, 1)
    # While nobody listened the run completed in time; the timer is due when the service is back.
    await world.enter(run, state_pb2.STATE_TYPE_COMPLETED)
    connection = await asyncpg.connect(database_url)
    await connection.execute("update notification.bucket set ends_at = now(), due_at = now()")
    await connection.close()
    async with running_service(
        "notification", build, database_url, neighbours=world.neighbours, settings=settings
    ) as service:
        await until_buckets(database_url, 0)
        await barrier(service, receiver)
        assert fired(receiver) == []


async def buckets(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval("select count(*) from notification.bucket where due_at is not null"))
    finally:
        await connection.close()


async def until_buckets(database_url: str, count: int) -> None:
    while True:
        if await buckets(database_url) == count:
            return
        await asyncio.sleep(0.02)


async def test_a_watch_that_is_always_on_begins_with_the_automation_and_ends_with_it(
    service: RunningService, database_url: str, receiver: Receiver
) -> None:
    automation = await create(
        service.channel,
        an_automation(a_webhook(receiver.url), posture=PROACTIVE, expect=["app.alive"], within=10 * SECOND),
    )
    assert await buckets(database_url) == 1
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "update notification.bucket set starts_at = now() - interval '9.5 s', ends_at = now() + interval '0.5 s', "
        "due_at = now() + interval '0.5 s'"
    )
    await receiver.got(1)
    assert fired(receiver)[0]["firing"]["state"] == "fired"
    assert await buckets(database_url) == 1
    stub: Any = automation_pb2_grpc.AutomationServiceStub(service.channel)
    automation.enabled = False
    request = automation_pb2.UpdateAutomationRequest(automation=automation)
    request.update_mask.paths.append("enabled")
    await stub.UpdateAutomation(request)
    assert await buckets(database_url) == 0
    await connection.close()


@pytest.mark.parametrize("chosen", [True, False])
async def test_actions_are_done_by_the_services_that_own_the_runs(
    service: RunningService, world: World, chosen: bool
) -> None:
    run, other = a_run(), a_run()
    target = other.flow_run_id if chosen else ""
    start = automation_pb2.RunDeploymentAction(deployment_id=other.deployment_id if chosen else "")
    start.parameters.update({"text": "after {{ event.resource.name }}", "n": 1, "deep": [{"x": "{{ flow.name }}"}]})
    automation = await create(
        service.channel,
        an_automation(
            automation_pb2.Action(run_deployment=start),
            automation_pb2.Action(
                change_flow_run_state=automation_pb2.ChangeFlowRunStateAction(
                    flow_run_id=target,
                    type=state_pb2.STATE_TYPE_CRASHED,
                    name="Gone",
                    message="{{ event.name }}",
                    force=True,
                )
            ),
            automation_pb2.Action(cancel_flow_run=automation_pb2.CancelFlowRunAction(flow_run_id=target)),
            name="helper",
        ),
    )
    world.deployments.failures.append(errors.Unavailable("later"))
    await world.enter(run, state_pb2.STATE_TYPE_FAILED)
    found = await settled(service.channel, 3)
    assert [one.status for one in found] == [automation_pb2.DELIVERY_STATUS_DELIVERED] * 3
    subject = other if chosen else run
    asked = world.deployments.asked
    assert {request.deployment_id for request in asked} == {subject.deployment_id}
    # gRPC itself repeats what was unavailable; the ids make it one run.
    assert len({(request.flow_run_id, request.idempotency_key) for request in asked}) == 1
    assert MessageToDict(asked[0].parameters) == {"text": "after happy-cat", "n": 1.0, "deep": [{"x": "etl"}]}
    [proposed] = world.state.proposed
    assert proposed.flow_run_id == subject.flow_run_id
    assert (proposed.state.type, proposed.state.name) == (state_pb2.STATE_TYPE_CRASHED, "Gone")
    assert (proposed.state.message, proposed.force) == ("headrace.flow-run.Failed", True)
    assert [request.flow_run_id for request in world.state.cancelled] == [subject.flow_run_id]
    for workspace_id, principal_id, display_name in world.state.callers:
        assert str(workspace_id) == "00000000-0000-7000-8000-000000000001"
        assert (principal_id, display_name) == (automation.automation_id, "helper")


async def test_what_the_owner_of_a_run_refuses_is_given_up(service: RunningService, world: World) -> None:
    cancel = automation_pb2.Action(cancel_flow_run=automation_pb2.CancelFlowRunAction())
    await create(service.channel, an_automation(cancel))
    rejected = state_pb2.Verdict(rejected=state_pb2.Verdict.Rejected(reason="it is over", code="FINAL"))
    waits = state_pb2.Verdict(wait=state_pb2.Verdict.Wait(reason="soon", code="SOON"))
    world.state.verdicts = [waits, rejected]
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    [delivery] = await settled(service.channel)
    assert (delivery.status, delivery.tries, delivery.last_answer) == (DEAD, 2, "FINAL: it is over")


async def test_an_action_without_a_target_is_given_up(service: RunningService, world: World) -> None:
    await create(
        service.channel,
        an_automation(
            automation_pb2.Action(cancel_flow_run=automation_pb2.CancelFlowRunAction()),
            automation_pb2.Action(run_deployment=automation_pb2.RunDeploymentAction()),
            expect=["app.*"],
        ),
    )
    await emit(service, "app.failed")
    found = await settled(service.channel, 2)
    assert [one.status for one in found] == [DEAD] * 2


async def test_an_automation_does_not_start_runs_because_of_runs_that_it_started(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    automation = await create(
        service.channel,
        an_automation(automation_pb2.Action(run_deployment=automation_pb2.RunDeploymentAction())),
    )
    run = a_run()
    run.creator.kind, run.creator.creator_id = state_pb2.CREATOR_KIND_AUTOMATION, automation.automation_id
    await world.enter(run, state_pb2.STATE_TYPE_FAILED)
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    await barrier(service, receiver)
    assert len(world.deployments.asked) == 1


async def test_a_slow_receiver_does_not_hold_up_the_others(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    async with a_receiver(*[Reply(is_silent=True)] * 100) as slow:
        await create(service.channel, an_automation(a_webhook(slow.url), name="slow"))
        await create(service.channel, an_automation(a_webhook(receiver.url), name="quick"))
        for _ in range(40):
            await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
        async with asyncio.timeout(60):
            await receiver.got(40)
        assert len([one for one in await deliveries(service.channel) if one.automation_name == "slow"]) == 40


async def test_an_event_is_sent_to_the_run_that_waits_for_it(service: RunningService, world: World) -> None:
    waiting = str(uuid7())
    action = automation_pb2.Action(send_run_input=automation_pb2.SendRunInputAction(flow_run_id=waiting, key="event-0"))
    automation = await create(service.channel, an_automation(action, expect=["order.*"]))
    assert automation.actions[0].send_run_input.key == "event-0"
    await emit(service, "order.paid", "order.7")
    await settled(service.channel)
    [sent] = world.state.inputs
    assert (sent.flow_run_id, sent.key, sent.sender) == (
        waiting,
        "event-0",
        f"headrace.automation.{automation.automation_id}",
    )
    event = MessageToDict(sent.value.struct_value)
    assert (event["name"], event["resource"]["id"]) == ("order.paid", "order.7")


async def test_the_automations_of_a_run_end_with_it_but_not_with_a_crash(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    runs = [a_run(), a_run(), a_run()]
    for number, run in enumerate(runs):
        action = automation_pb2.Action(
            send_run_input=automation_pb2.SendRunInputAction(flow_run_id=run.flow_run_id, key="event-0")
        )
        owned = an_automation(action, expect=["never"], name=f"of {number}")
        owned.owner_resource_id = f"headrace.flow-run.{run.flow_run_id}"
        await create(service.channel, owned)
    for run, state in zip(
        runs,
        (state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_CRASHED, state_pb2.STATE_TYPE_COMPLETED),
        strict=True,
    ):
        await world.enter(run, state)

    async def is_forgotten() -> bool:
        return "of 2" not in await automation_names(service)

    await eventually(is_forgotten, 30)
    await barrier(service, receiver)
    assert {"of 0", "of 1"} <= set(await automation_names(service))
