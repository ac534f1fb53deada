from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

import asyncpg
import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import automation_pb2, automation_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_chassis.resolving import WORKSPACE_KEY
from headrace_harness.automations import a_match, a_webhook, an_automation, create, settled
from headrace_harness.receiver import Receiver
from headrace_harness.services import RunningService, running_service
from headrace_notification.rules.validity import MASK
from headrace_notification.wiring import build
from service.notification.played import World, a_run

URL = "https://hooks.example.com/x"
PROACTIVE = automation_pb2.TRIGGER_POSTURE_PROACTIVE


def stub_of(service: RunningService) -> Any:
    return automation_pb2_grpc.AutomationServiceStub(service.channel)


@contextlib.contextmanager
def refused(expected: type[errors.HeadraceError], *fields: str) -> Iterator[errors.HeadraceError]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield errors.Internal("not yet")
    error = from_rpc_error(caught.value)
    assert isinstance(error, expected), error
    if fields:
        assert isinstance(error, errors.InvalidArgument)
        assert [violation.field for violation in error.violations] == list(fields), error


async def update(
    service: RunningService, automation: automation_pb2.Automation, *paths: str
) -> automation_pb2.Automation:
    request = automation_pb2.UpdateAutomationRequest(automation=automation, update_mask=FieldMask(paths=paths))
    response: automation_pb2.UpdateAutomationResponse = await stub_of(service).UpdateAutomation(request)
    return response.automation


async def test_an_automation_comes_back_as_it_was_handed_in(service: RunningService) -> None:
    handed_in = automation_pb2.Automation(
        automation_id=str(uuid7()),
        name="everything",
        description="all fields",
        enabled=True,
        tags=["a", "b"],
        owner_resource_id=f"headrace.deployment.{uuid7()}",
        trigger=automation_pb2.Trigger(
            event=automation_pb2.EventTrigger(
                posture=PROACTIVE,
                match=a_match(resource_id="headrace.flow-run.*"),
                match_related=[a_match(resource_role="tag", resource_id=["a", "!b"]), a_match(x="y")],
                after=["headrace.flow-run.Running"],
                expect=["headrace.flow-run.Completed", "headrace.flow-run.F*"],
                for_each=["headrace.resource.id", "related:flow:headrace.resource.name"],
                threshold=3,
            )
        ),
        actions=[a_webhook(URL, method="PUT", body_template="{{ event.name }}")],
        actions_on_trigger=[
            automation_pb2.Action(
                run_deployment=automation_pb2.RunDeploymentAction(deployment_id=str(uuid7())),
            ),
            automation_pb2.Action(
                change_flow_run_state=automation_pb2.ChangeFlowRunStateAction(
                    flow_run_id=str(uuid7()), type=state_pb2.STATE_TYPE_CRASHED, name="Lost", message="x", force=True
                )
            ),
        ],
        actions_on_resolve=[automation_pb2.Action(cancel_flow_run=automation_pb2.CancelFlowRunAction())],
    )
    handed_in.trigger.event.within.FromTimedelta(datetime.timedelta(seconds=90, milliseconds=500))
    handed_in.actions_on_trigger[0].run_deployment.parameters.update({"n": 1, "text": "{{ event.name }}", "l": [None]})
    created = await create(service.channel, handed_in)
    request = automation_pb2.GetAutomationRequest(automation_id=handed_in.automation_id)
    assert (await stub_of(service).GetAutomation(request)).automation == created
    assert created.creator.kind == state_pb2.CREATOR_KIND_USER
    for field in ("creator", "created_at", "updated_at"):
        assert created.HasField(field)
        created.ClearField(field)
    assert created == handed_in


async def test_creating_again_returns_the_first(service: RunningService) -> None:
    automation = an_automation(a_webhook(URL))
    first = await create(service.channel, automation)
    automation.name = "another"
    assert await create(service.channel, automation) == first
    with refused(errors.AlreadyExists):
        await stub_of(service).CreateAutomation(
            automation_pb2.CreateAutomationRequest(automation=automation), metadata=((WORKSPACE_KEY, str(uuid7())),)
        )


async def test_secrets_are_never_returned_and_not_readable_in_the_database(
    service: RunningService, database_url: str, world: World, receiver: Receiver
) -> None:
    secret, signing = "Bearer verysecret", "alsosecret"
    automation = an_automation(
        a_webhook(receiver.url, headers={"Authorization": secret, "X-Two": "two"}, signing_secret=signing)
    )
    created = await create(service.channel, automation)
    shown = created.actions[0].call_webhook
    assert dict(shown.headers) == {"Authorization": MASK, "X-Two": MASK}
    assert shown.signing_secret == MASK
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    [request] = await receiver.got(1)
    assert request.headers["authorization"] == secret
    await settled(service.channel)
    connection = await asyncpg.connect(database_url)
    for table in ("automation", "delivery", "event", "outbox"):
        rows = await connection.fetch(f"select (row.*)::text as text from notification.{table} row")
        assert rows
        assert not any(word in row["text"] for row in rows for word in ("verysecret", signing))
    await connection.close()


async def test_a_masked_secret_is_kept_and_never_goes_to_another_receiver(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    automation = await create(
        service.channel, an_automation(a_webhook(receiver.url, headers={"X-A": "a"}, signing_secret="s"))
    )
    automation.actions[0].call_webhook.headers["X-B"] = "b"
    automation.actions[0].call_webhook.url += "/moved"
    await update(service, automation, "actions")
    await update(service, automation, "name")
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    [request] = await receiver.got(1)
    assert request.path == "/hook/moved"
    assert (request.headers["x-a"], request.headers["x-b"]) == ("a", "b")
    assert "headrace-signature" in request.headers
    automation.actions[0].call_webhook.url = "https://elsewhere.example.com/"
    with refused(errors.InvalidArgument, "automation.actions[0].call_webhook.headers[X-A]"):
        await update(service, automation, "actions")
    with refused(errors.InvalidArgument, "automation.actions[0].call_webhook.headers[X-A]"):
        await create(service.channel, an_automation(a_webhook(URL, headers={"X-A": MASK})))


async def test_without_a_key_only_secrets_are_refused(database_url: str, world: World) -> None:
    async with running_service("notification", build, database_url, neighbours=world.neighbours) as service:
        await create(service.channel, an_automation(a_webhook(URL)))
        with refused(errors.FailedPrecondition):
            await create(service.channel, an_automation(a_webhook(URL, headers={"X-A": "a"})))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"actions": []}, "actions"),
        ({"trigger": automation_pb2.Trigger()}, "trigger"),
        ({"trigger": automation_pb2.Trigger(metric=automation_pb2.MetricTrigger())}, "trigger.metric.metric"),
        ({"trigger": automation_pb2.Trigger(compound=automation_pb2.CompoundTrigger())}, "trigger.compound.triggers"),
        ({"trigger": automation_pb2.Trigger(sequence=automation_pb2.SequenceTrigger())}, "trigger.sequence.triggers"),
        ({"actions": [automation_pb2.Action()]}, "actions[0]"),
        ({"actions": [a_webhook("ftp://x/")]}, "actions[0].call_webhook.url"),
        ({"actions": [a_webhook("http://user:password@x/")]}, "actions[0].call_webhook.url"),
        ({"actions": [a_webhook("http:///x")]}, "actions[0].call_webhook.url"),
        ({"actions": [a_webhook("http://x:99999/")]}, "actions[0].call_webhook.url"),
        ({"actions": [a_webhook("http://x/ y")]}, "actions[0].call_webhook.url"),
        ({"actions": [a_webhook(URL, method="CONNECT")]}, "actions[0].call_webhook.method"),
        ({"actions": [a_webhook(URL, headers={"Host": "x"})]}, "actions[0].call_webhook.headers[Host]"),
        ({"actions": [a_webhook(URL, headers={"a b": "x"})]}, "actions[0].call_webhook.headers[a b]"),
        ({"actions": [a_webhook(URL, headers={"X": "a\r\nY: b"})]}, "actions[0].call_webhook.headers[X]"),
        ({"actions": [a_webhook(URL, headers={"Headrace-X": "a"})]}, "actions[0].call_webhook.headers[Headrace-X]"),
        ({"actions": [a_webhook(URL, body_template="{{ 9**9 }}")]}, "actions[0].call_webhook.body_template"),
        ({"actions": [a_webhook(URL, body_template="{{ secret }}")]}, "actions[0].call_webhook.body_template"),
        ({"actions_on_resolve": [a_webhook(URL)]}, "actions_on_resolve"),
    ],
)
async def test_what_is_handed_in_wrongly_is_named(service: RunningService, change: dict[str, Any], field: str) -> None:
    automation = an_automation(a_webhook(URL))
    for name, value in change.items():
        automation.ClearField(name)  # type: ignore[arg-type]
        if isinstance(value, list):
            getattr(automation, name).extend(value)
        elif isinstance(value, str):
            setattr(automation, name, value)
        else:
            getattr(automation, name).CopyFrom(value)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service.channel, automation)
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    # What the contract itself demands is found first, and named a level deeper.
    named = error.violations[0].field
    assert named in (f"automation.{field}", f"automation.{field}.trigger", f"automation.{field}.action")


async def test_only_named_fields_change(service: RunningService) -> None:
    created = await create(service.channel, an_automation(a_webhook(URL), name="before"))
    proposed = automation_pb2.Automation(automation_id=created.automation_id, name="after", description="ignored")
    changed = await update(service, proposed, "name", "enabled")
    assert (changed.name, changed.enabled, changed.description) == ("after", False, "")
    assert changed.trigger == created.trigger
    assert changed.updated_at.ToDatetime() > created.updated_at.ToDatetime()
    proposed.trigger.CopyFrom(created.trigger)
    assert (await update(service, proposed)).description == "ignored"
    with refused(errors.InvalidArgument, "update_mask"):
        await update(service, proposed, "created_at")
    with refused(errors.NotFound):
        await update(service, automation_pb2.Automation(automation_id=str(uuid7()), trigger=created.trigger), "trigger")


async def test_a_change_counts_for_the_next_event(service: RunningService, world: World, receiver: Receiver) -> None:
    automation = await create(service.channel, an_automation(a_webhook(receiver.url)))
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    await settled(service.channel)
    automation.enabled = False
    await update(service, automation, "enabled")
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    automation.enabled = True
    automation.trigger.event.expect[:] = ["headrace.flow-run.Crashed"]
    await create(service.channel, an_automation(a_webhook(receiver.url + "/barrier"), expect=["headrace.flow-run.C*"]))
    await update(service, automation, "enabled", "trigger")
    await world.enter(a_run(), state_pb2.STATE_TYPE_CRASHED)
    await settled(service.channel, 3)
    assert sorted(request.path for request in receiver.received) == ["/hook", "/hook", "/hook/barrier"]
    shown = await stub_of(service).GetAutomation(
        automation_pb2.GetAutomationRequest(automation_id=automation.automation_id)
    )
    assert shown.automation.HasField("last_fired_at")


async def test_a_deleted_automation_is_gone(service: RunningService, world: World, receiver: Receiver) -> None:
    automation = await create(service.channel, an_automation(a_webhook(receiver.url)))
    request = automation_pb2.DeleteAutomationRequest(automation_id=automation.automation_id)
    elsewhere = ((WORKSPACE_KEY, str(uuid7())),)
    with refused(errors.NotFound):
        await stub_of(service).DeleteAutomation(request, metadata=elsewhere)
    await stub_of(service).DeleteAutomation(request)
    with refused(errors.NotFound):
        await stub_of(service).DeleteAutomation(request)
    with refused(errors.NotFound):
        await stub_of(service).GetAutomation(
            automation_pb2.GetAutomationRequest(automation_id=automation.automation_id)
        )
    await create(service.channel, an_automation(a_webhook(receiver.url + "/other")))
    await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED)
    await settled(service.channel)
    assert [request.path for request in receiver.received] == ["/hook/other"]


async def test_lists_have_pages_and_filters(service: RunningService) -> None:
    owner = f"headrace.deployment.{uuid7()}"
    for place in range(7):
        automation = an_automation(a_webhook(URL), name=f"Auto {place % 3}", enabled=place != 2)
        if place == 3:
            automation.owner_resource_id = owner
        await create(service.channel, automation)
    await stub_of(service).CreateAutomation(
        automation_pb2.CreateAutomationRequest(automation=an_automation(a_webhook(URL), name="Auto elsewhere")),
        metadata=((WORKSPACE_KEY, str(uuid7())),),
    )

    async def names(**request: Any) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            page = await stub_of(service).ListAutomations(
                automation_pb2.ListAutomationsRequest(page_size=2, page_token=token, **request)
            )
            found += [automation.name for automation in page.automations]
            token = page.next_page_token
            if not token:
                return found

    assert await names() == [f"Auto {n}" for n in (0, 0, 0, 1, 1, 2, 2)]
    assert await names(name_contains="uTO 1") == ["Auto 1", "Auto 1"]
    assert await names(name_contains="%") == []
    assert await names(enabled=False) == ["Auto 2"]
    assert len(await names(enabled=True)) == 6
    assert await names(owner_resource_id=owner) == ["Auto 0"]
    with refused(errors.InvalidArgument, "page_token"):
        await stub_of(service).ListAutomations(automation_pb2.ListAutomationsRequest(page_token="nonsense"))


async def test_deliveries_are_listed_by_what_they_belong_to(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    one = await create(service.channel, an_automation(a_webhook(receiver.url)))
    await create(service.channel, an_automation(a_webhook("http://127.0.0.1:1/", allow_private_addresses=False)))
    states = [await world.enter(a_run(), state_pb2.STATE_TYPE_FAILED) for _ in range(3)]
    await settled(service.channel, 6)

    async def count(**request: Any) -> int:
        seen: list[str] = []
        token = ""
        while True:
            page = await stub_of(service).ListDeliveries(
                automation_pb2.ListDeliveriesRequest(page_size=2, page_token=token, **request)
            )
            seen += [delivery.delivery_id for delivery in page.deliveries]
            token = page.next_page_token
            if not token:
                assert seen == sorted(seen, reverse=True)
                return len(seen)

    assert await count() == 6
    assert await count(automation_id=one.automation_id) == 3
    assert await count(event_id=states[0]) == 2
    assert await count(statuses=[automation_pb2.DELIVERY_STATUS_DEAD]) == 3
    assert await count(statuses=[automation_pb2.DELIVERY_STATUS_DELIVERED], event_id=states[1]) == 1
    assert await count(statuses=[automation_pb2.DELIVERY_STATUS_PENDING]) == 0
    with refused(errors.InvalidArgument, "statuses[0]"):
        await stub_of(service).ListDeliveries(
            automation_pb2.ListDeliveriesRequest(statuses=[automation_pb2.DELIVERY_STATUS_UNSPECIFIED])
        )
    with refused(errors.NotFound):
        await stub_of(service).ResendDelivery(automation_pb2.ResendDeliveryRequest(delivery_id=str(uuid7())))
    delivered = (await settled(service.channel, 3, automation_id=one.automation_id))[0]
    with refused(errors.FailedPrecondition):
        await stub_of(service).ResendDelivery(automation_pb2.ResendDeliveryRequest(delivery_id=delivered.delivery_id))
