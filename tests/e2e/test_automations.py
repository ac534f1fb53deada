"""A failed run becomes an event, the event a call of a webhook, and a call that is refused is made again."""

from __future__ import annotations

import asyncio
import json
import pathlib
import signal

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc
from headrace_harness.machine import HEADRACE, Machine, only
from headrace_harness.observer import Observer
from headrace_harness.receiver import Reply, a_receiver
from headrace_harness.servers import eventually
from headrace_harness.stack import Stack

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_a_failed_run_calls_a_webhook_again_after_a_500(
    machine: Machine, observer: Observer, stack: Stack
) -> None:
    machine.take(FLOWS / "failing.py", FLOWS / "many.py")
    stub = stack.stub(automation_pb2_grpc.AutomationServiceStub)
    async with a_receiver(Reply(status=500)) as receiver:
        (machine.folder / "automation.json").write_text(
            json.dumps(
                {
                    "name": "tell of failures",
                    "enabled": True,
                    "trigger": {
                        "event": {
                            "posture": "TRIGGER_POSTURE_REACTIVE",
                            "expect": ["headrace.flow-run.Failed"],
                            "match": {"labels": {"headrace.resource.name": {"values": ["*"]}}},
                        }
                    },
                    "actions": [{"call_webhook": {"url": receiver.url, "allow_private_addresses": True}}],
                }
            )
        )
        created = await machine.headrace("automation", "create", "--from-file", "automation.json")
        automation_id = created.out.split()[-1]
        try:
            await machine.python("many.py", "3")
            await machine.python("failing.py", expect=1)
            async with asyncio.timeout(90):
                await receiver.got(2)
            failed = only(await observer.runs_of("failing"))

            async def is_delivered() -> bool:
                request = automation_pb2.ListDeliveriesRequest(automation_id=automation_id)
                deliveries = (await stub.ListDeliveries(request)).deliveries
                return [delivery.status for delivery in deliveries] == [automation_pb2.DELIVERY_STATUS_DELIVERED]

            await eventually(is_delivered)
        finally:
            await stub.DeleteAutomation(automation_pb2.DeleteAutomationRequest(automation_id=automation_id))
    # Once refused, once taken, with the same key; nothing for the run that completed.
    first, second = receiver.received
    assert first.body == second.body
    assert failed.flow_run_id in second.body.decode()
    listed = await machine.headrace("automation", "deliveries", automation_id, "-o", "json")
    delivery = only(listed.json())
    assert (delivery["tries"], delivery["last_status_code"]) == (2, 200)
    assert delivery["dedup_key"] in {value for headers in (first.headers, second.headers) for value in headers.values()}


async def test_what_happens_to_a_run_becomes_events_in_order(
    machine: Machine, observer: Observer, stack: Stack
) -> None:
    machine.take(FLOWS / "failing.py")
    await machine.python("failing.py", expect=1)
    run = only(await observer.runs_of("failing"))
    stub = stack.stub(event_pb2_grpc.EventServiceStub)
    names: list[str] = []

    async def is_told() -> bool:
        found = await stub.ListEvents(
            event_pb2.ListEventsRequest(
                filter=event_pb2.EventFilter(resource_ids=[f"headrace.flow-run.{run.flow_run_id}"])
            )
        )
        names[:] = [event.name for event in reversed(found.events)]
        return len(names) >= 2

    await eventually(is_told)
    assert names == ["headrace.flow-run.Running", "headrace.flow-run.Failed"]


async def test_a_follower_sees_events_as_they_happen(machine: Machine, stack: Stack) -> None:
    follower = machine.start(HEADRACE, "event", "follow", "--name", "test.*")
    stub = stack.stub(event_pb2_grpc.EventServiceStub)

    async def is_seen() -> bool:
        # What happens before the follower is there it does not see.
        event = event_pb2.Event(name="test.happened", resource=event_pb2.EventResource(resource_id="test.thing"))
        await stub.EmitEvents(event_pb2.EmitEventsRequest(events=[event]))
        return "test.happened" in follower.output()

    await eventually(is_seen)
    follower.signal(signal.SIGINT)
    assert await follower.ended() == 130
