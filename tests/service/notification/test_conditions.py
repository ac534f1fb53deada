"""Automations with several conditions: any number of them, or one after the other."""

from __future__ import annotations

import datetime
from typing import Any

import asyncpg

from headrace.api.v1 import automation_pb2, event_pb2, event_pb2_grpc
from headrace.ids import uuid7
from headrace_harness.automations import a_webhook, create, settled
from headrace_harness.receiver import Receiver
from headrace_harness.services import RunningService
from service.notification.test_triggers import PROACTIVE, SECOND, barrier, emit, fired


def on(name: str, **trigger: Any) -> automation_pb2.Trigger:
    return automation_pb2.Trigger(event=automation_pb2.EventTrigger(expect=[name], **trigger))


def compound(
    *triggers: automation_pb2.Trigger, require: int = 0, within: datetime.timedelta = datetime.timedelta()
) -> automation_pb2.Trigger:
    message = automation_pb2.CompoundTrigger(triggers=triggers, require=require)
    message.within.FromTimedelta(within)
    return automation_pb2.Trigger(compound=message)


def sequence(
    *triggers: automation_pb2.Trigger, within: datetime.timedelta = datetime.timedelta()
) -> automation_pb2.Trigger:
    message = automation_pb2.SequenceTrigger(triggers=triggers)
    message.within.FromTimedelta(within)
    return automation_pb2.Trigger(sequence=message)


async def made(service: RunningService, receiver: Receiver, trigger: automation_pb2.Trigger) -> None:
    automation = automation_pb2.Automation(name="both", enabled=True, trigger=trigger)
    automation.actions.append(a_webhook(receiver.url))
    shown = await create(service.channel, automation)
    again = automation_pb2.Automation(name="again", enabled=False, trigger=shown.trigger, actions=automation.actions)
    assert (await create(service.channel, again)).trigger == shown.trigger


async def test_all_of_several_conditions_fire_once(service: RunningService, receiver: Receiver) -> None:
    await made(service, receiver, compound(on("a"), on("b")))
    for name in ("a", "a", "b", "b"):
        await emit(service, name)
    await barrier(service, receiver)
    (body,) = fired(receiver)
    assert [event["name"] for event in body["firing"]["events"]] == ["a", "b"]
    await emit(service, "a")
    await barrier(service, receiver)
    assert len(fired(receiver)) == 2


async def test_templates_see_each_of_the_firings(service: RunningService, receiver: Receiver) -> None:
    template = "{% for one in firings %}{{ one.state }} {{ one.event.name }};{% endfor %}"
    for trigger in (compound(on("a"), on("b")), on("c")):
        automation = automation_pb2.Automation(name="told", enabled=True, trigger=trigger)
        automation.actions.append(a_webhook(receiver.url, body_template=template))
        await create(service.channel, automation)
    for name in ("a", "b", "c"):
        await emit(service, name)
    await settled(service.channel)
    assert sorted(one.body.decode() for one in receiver.received) == ["fired b;fired a;fired b;", "fired c;"]


async def test_what_is_too_long_ago_does_not_count(service: RunningService, receiver: Receiver) -> None:
    await made(service, receiver, compound(on("a"), on("b"), on("c"), require=2, within=60 * SECOND))
    await emit(service, "a", ago=100)
    await emit(service, "b", ago=10)
    await barrier(service, receiver)
    assert fired(receiver) == []
    await emit(service, "c")
    await barrier(service, receiver)
    assert [event["name"] for event in fired(receiver)[0]["firing"]["events"]] == ["b", "c"]


async def test_conditions_in_an_order_fire_in_that_order_only(service: RunningService, receiver: Receiver) -> None:
    await made(service, receiver, sequence(on("a"), on("b"), on("c")))
    for ago, name in ((50, "c"), (40, "b"), (30, "a"), (20, "c")):
        await emit(service, name, ago=ago)
    await barrier(service, receiver)
    assert fired(receiver) == []
    for ago, name in ((10, "b"), (5, "c")):
        await emit(service, name, ago=ago)
    await barrier(service, receiver)
    assert len(fired(receiver)) == 1


async def test_conditions_within_conditions(service: RunningService, receiver: Receiver) -> None:
    threshold = on("b", threshold=2)
    await made(service, receiver, sequence(compound(on("a"), threshold, require=2), on("c")))
    for ago, name in ((50, "c"), (40, "b"), (30, "a"), (20, "b")):
        await emit(service, name, ago=ago)
    await barrier(service, receiver)
    assert fired(receiver) == []
    await emit(service, "c")
    await barrier(service, receiver)
    assert len(fired(receiver)) == 1


async def test_silence_may_be_one_of_the_conditions(service: RunningService, receiver: Receiver) -> None:
    silence = on("heartbeat", posture=PROACTIVE, after=["started"])
    silence.event.within.FromTimedelta(10 * SECOND)
    await made(service, receiver, compound(silence, on("alarm")))
    await emit(service, "alarm", "app.1")
    # Its time is over when it is looked at for the first time.
    await emit(service, "started", "app.1", ago=30)
    await settled(service.channel)
    (body,) = fired(receiver)
    assert [event["name"] for event in body["firing"]["events"]] == ["started", "alarm"]


def an_event(name: str, follows: str = "", seconds: float = 0) -> event_pb2.Event:
    event = event_pb2.Event(
        event_id=str(uuid7()),
        name=name,
        resource=event_pb2.EventResource(resource_id="app.1"),
        follows_event_id=follows,
    )
    event.occurred_at.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))
    return event


async def stored(service: RunningService, *events: event_pb2.Event) -> None:
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    await stub.EmitEvents(event_pb2.EmitEventsRequest(events=events))


async def test_an_event_is_looked_at_behind_the_one_that_it_follows(
    service: RunningService, receiver: Receiver
) -> None:
    await made(service, receiver, sequence(on("a"), on("b"), on("c")))
    first = an_event("a")
    second = an_event("b", first.event_id, 1)
    third = an_event("c", second.event_id, 2)
    await stored(service, third)
    await barrier(service, receiver)
    await stored(service, second)
    await barrier(service, receiver)
    assert fired(receiver) == []
    await stored(service, first)
    await barrier(service, receiver)
    (body,) = fired(receiver)
    assert body["id"] == third.event_id
    # In one batch, too.
    first = an_event("a", "", 3)
    second = an_event("b", first.event_id, 4)
    await stored(service, an_event("c", second.event_id, 5), second, first)
    await barrier(service, receiver)
    assert len(fired(receiver)) == 2


async def test_an_event_does_not_wait_for_ever_for_one_that_does_not_come(
    service: RunningService, receiver: Receiver, database_url: str
) -> None:
    await made(service, receiver, on("b"))
    await stored(service, an_event("b", str(uuid7())))
    await barrier(service, receiver)
    assert fired(receiver) == []
    connection = await asyncpg.connect(database_url)
    # What takes ten seconds is over at once.
    await connection.execute("update notification.held_event set held_until = now()")
    await connection.close()
    await receiver.got(len(receiver.received) + 1)
    assert len(fired(receiver)) == 1
