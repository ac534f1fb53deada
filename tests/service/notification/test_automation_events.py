"""What automations did is told as events, in its order, and no automation answers itself."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict

from headrace import errors
from headrace.api.v1 import automation_pb2, event_pb2, event_pb2_grpc
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_harness.automations import a_webhook, an_automation, create, settled
from headrace_harness.receiver import Reply, a_receiver
from headrace_harness.services import RunningService

FIRED = "headrace.automation.triggered"
QUEUED = "headrace.automation.action.triggered"
DONE = "headrace.automation.action.executed"
FAILED = "headrace.automation.action.failed"
NOTHING = automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction())


async def emitted(service: RunningService, name: str) -> str:
    """Emit an event; return its id."""
    event = event_pb2.Event(
        event_id=str(uuid7()), name=name, resource=event_pb2.EventResource(resource_id="shop.1", name="the shop")
    )
    event.occurred_at.GetCurrentTime()
    await event_pb2_grpc.EventServiceStub(service.channel).EmitEvents(event_pb2.EmitEventsRequest(events=[event]))
    return event.event_id


async def told(service: RunningService, count: int) -> list[event_pb2.Event]:
    """Return what automations did, oldest first, once there is so much."""
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    request = event_pb2.ListEventsRequest(filter=event_pb2.EventFilter(names=["headrace.automation.*"]), page_size=200)
    while True:
        found = list((await stub.ListEvents(request)).events)
        if len(found) >= count:
            return found[::-1]
        await asyncio.sleep(0.02)


async def test_a_firing_and_what_became_of_its_actions_are_told(service: RunningService) -> None:
    async with a_receiver(Reply(status=400)) as receiver:
        automation = await create(
            service.channel, an_automation(a_webhook(receiver.url), NOTHING, expect=["shop.open"])
        )
        cause = await emitted(service, "shop.open")
        events = await told(service, 5)
    by_name: dict[str, list[event_pb2.Event]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event)
        assert event.resource.resource_id == f"headrace.automation.{automation.automation_id}"
        assert event.resource.name == "tell me"
        assert ("shop.1", "cause") in [(one.resource_id, one.role) for one in event.related]
    [fired], queued = by_name[FIRED], by_name[QUEUED]
    assert fired.follows_event_id == cause
    assert {event.follows_event_id for event in queued} == {fired.event_id}
    deliveries = await settled(service.channel, 2)
    assert {event.payload["delivery_id"] for event in queued} == {one.delivery_id for one in deliveries}
    [done], [failed] = by_name[DONE], by_name[FAILED]
    assert (done.payload["action"], failed.payload["action"]) == ("do_nothing", "call_webhook")
    assert failed.payload["status_code"] == 400
    ids = {event.payload["delivery_id"]: event.event_id for event in queued}
    for event in (done, failed):
        assert event.follows_event_id == ids[event.payload["delivery_id"]]
    assert "reason" not in MessageToDict(done.payload)


async def test_an_automation_may_answer_what_another_failed_to_do_and_that_is_the_end(service: RunningService) -> None:
    async with a_receiver(Reply(status=400)) as receiver:
        first = await create(service.channel, an_automation(a_webhook(receiver.url), expect=["shop.open"]))
        # These two would answer each other, and themselves.
        names = [
            (await create(service.channel, an_automation(NOTHING, expect=["headrace.automation.*"], name=name))).name
            for name in ("one", "other")
        ]
        # And this one has not asked for what automations do.
        await create(service.channel, an_automation(NOTHING, expect=["*"], name="all"))
        await emitted(service, "shop.open")
        deliveries = await settled(service.channel, 14)
        # Each of what the first one did, once: it fired, it began, it failed; the same of the one that wants all.
        for name in names:
            assert len([one for one in deliveries if one.automation_name == name]) == 6
        assert len([one for one in deliveries if one.automation_name == "all"]) == 1
        await emitted(service, "shop.closed")
        later = await settled(service.channel, len(deliveries) + 7)
    assert len(later) == len(deliveries) + 7
    assert [one.automation_name for one in later].count(first.name) == 1


async def test_a_channel_that_is_not_there_is_named_when_an_automation_is_saved(service: RunningService) -> None:
    missing = str(uuid7())
    tell = automation_pb2.Action(send_notification=automation_pb2.SendNotificationAction(channel_id=missing))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service.channel, an_automation(NOTHING, tell))
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    [violation] = error.violations
    assert violation.field == "automation.actions[1].send_notification.channel_id"
    assert missing in violation.description
