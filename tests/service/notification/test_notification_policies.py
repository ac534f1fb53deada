"""If a run of any flow with a tag enters a state, a channel is told: what happened, and where to see more."""

from __future__ import annotations

import json
from typing import Any

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import automation_pb2, channel_pb2, state_pb2
from headrace.api.v1 import notification_policy_pb2 as pb
from headrace.api.v1.notification_policy_pb2_grpc import NotificationPolicyServiceStub
from headrace.ids import uuid7
from headrace_harness.automations import an_automation, create, settled
from headrace_harness.channels import a_channel, create_channel
from headrace_harness.receiver import Receiver, Reply
from headrace_harness.services import RunningService
from service.notification.played import World, a_run

COMPLETED, FAILED, CRASHED = (
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_CRASHED,
)


async def channel_of(service: RunningService, receiver: Receiver, **fields: Any) -> channel_pb2.Channel:
    return await create_channel(service.channel, a_channel("webhook", {"url": receiver.url}, **fields))


async def created(service: RunningService, *channels: channel_pb2.Channel, **fields: Any) -> pb.NotificationPolicy:
    policy = pb.NotificationPolicy(**{"channel_ids": [channel.channel_id for channel in channels], **fields})
    response: pb.CreateNotificationPolicyResponse = await NotificationPolicyServiceStub(
        service.channel
    ).CreateNotificationPolicy(pb.CreateNotificationPolicyRequest(notification_policy=policy))
    return response.notification_policy


async def updated(service: RunningService, policy: pb.NotificationPolicy, *paths: str) -> pb.NotificationPolicy:
    response: pb.UpdateNotificationPolicyResponse = await NotificationPolicyServiceStub(
        service.channel
    ).UpdateNotificationPolicy(
        pb.UpdateNotificationPolicyRequest(notification_policy=policy, update_mask=FieldMask(paths=paths))
    )
    return response.notification_policy


async def test_a_run_with_the_tag_that_fails_is_told_with_its_last_error_and_log_lines(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    channel = await channel_of(service, receiver)
    policy = await created(service, channel, tags=["prod", "billing"], state_types=[FAILED, CRASHED])
    assert policy.name == "Tell when a run with tag prod or billing enters Failed or Crashed"
    world.logs.lines = ["connecting", "no rows"]
    run, other, fine = a_run(), a_run(), a_run()
    run.tags.append("nightly")
    del other.tags[:]
    await world.enter(other, FAILED)
    await world.enter(fine, COMPLETED)
    run.state.details.traceback = "Traceback\nValueError: no rows\n"
    await world.enter(run, FAILED, message="Flow run failed")
    [request] = await receiver.got(1)
    told = json.loads(request.body)
    subject, body = told["subject"], told["body"]
    assert subject.startswith("The happy-cat run of the etl flow entered a Failed state at 20")
    assert subject.endswith(" UTC")
    assert body.startswith("Flow run failed\n\n")
    assert "Last log lines:\n" in body
    assert body.index("ERROR connecting") < body.index("ERROR no rows")
    assert told["link"].endswith(f"/runs/{run.flow_run_id}")
    assert told["severity"] in ("error", "ERROR")
    [delivery] = await settled(service.channel, automation_id=policy.notification_policy_id)
    assert delivery.status == automation_pb2.DELIVERY_STATUS_DELIVERED
    assert delivery.last_answer.startswith("queued as channel delivery ")


async def test_somebody_is_told_even_if_the_log_cannot_be_read(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    world.logs.failures = [errors.NotFound("gone")]
    await created(service, await channel_of(service, receiver), state_types=[FAILED], body="{{ flow_run.name }}!")
    await created(service, await channel_of(service, receiver, name="other"), state_names=["Timed Out"])
    await world.enter(a_run(), FAILED, name="Timed Out")
    requests = await receiver.got(2)
    bodies = {json.loads(request.body)["body"] for request in requests}
    assert bodies == {"happy-cat!", ""}


async def test_a_policy_is_paused_changed_and_deleted(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    channel, other = await channel_of(service, receiver), await channel_of(service, receiver, name="other")
    policy = await created(service, channel, state_types=[FAILED], name="mine")
    paused = await updated(
        service, pb.NotificationPolicy(notification_policy_id=policy.notification_policy_id, paused=True)
    )
    assert (paused.paused, paused.name, list(paused.channel_ids)) == (True, "mine", [channel.channel_id])
    await world.enter(a_run(), FAILED)
    changed = pb.NotificationPolicy(
        notification_policy_id=policy.notification_policy_id,
        channel_ids=[other.channel_id],
        state_types=[CRASHED],
        deployment_ids=[str(uuid7())],
        severity=channel_pb2.SEVERITY_CRITICAL,
        subject="Oh no: {{ flow_run.name }}",
    )
    after = await updated(
        service, changed, "paused", "channel_ids", "state_types", "deployment_ids", "severity", "subject"
    )
    assert not after.paused
    run = a_run(deployment_id=changed.deployment_ids[0])
    await world.enter(a_run(), CRASHED)
    await world.enter(run, CRASHED)
    [request] = await receiver.got(1)
    assert json.loads(request.body)["subject"] == "Oh no: happy-cat"
    stub = NotificationPolicyServiceStub(service.channel)
    await stub.DeleteNotificationPolicy(
        pb.DeleteNotificationPolicyRequest(notification_policy_id=policy.notification_policy_id)
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetNotificationPolicy(
            pb.GetNotificationPolicyRequest(notification_policy_id=policy.notification_policy_id)
        )
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_policies_are_listed_apart_from_other_automations(service: RunningService, receiver: Receiver) -> None:
    channel = await channel_of(service, receiver)
    other = await create(
        service.channel, an_automation(automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction()))
    )
    names = [(await created(service, channel, state_names=["Late"], name=name)).name for name in ("b", "a", "c")]
    stub = NotificationPolicyServiceStub(service.channel)
    found, token = [], ""
    while True:
        page = await stub.ListNotificationPolicies(pb.ListNotificationPoliciesRequest(page_size=2, page_token=token))
        found += [policy.name for policy in page.notification_policies]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(names)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetNotificationPolicy(pb.GetNotificationPolicyRequest(notification_policy_id=other.automation_id))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "notification_policy.state_types"),
        ({"state_names": ["Fail*"]}, "notification_policy.state_names"),
        ({"state_types": [FAILED], "tags": ["!prod"]}, "notification_policy.tags"),
        ({"state_types": [FAILED], "channel_ids": [str(uuid7())]}, "notification_policy.channel_ids[0]"),
        ({"state_types": [FAILED], "subject": "{{ nobody }}"}, "send_notification.subject"),
    ],
)
async def test_what_is_handed_in_wrongly_is_named(
    service: RunningService, receiver: Receiver, fields: dict[str, Any], field: str
) -> None:
    channel = await channel_of(service, receiver)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await created(service, channel, **fields)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(refused.value.trailing_metadata())


async def test_a_message_is_queued_once_however_often_the_action_is_tried(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    receiver.replies = [Reply(500), Reply(200)]
    policy = await created(service, await channel_of(service, receiver), state_types=[FAILED])
    await world.enter(a_run(), FAILED)
    first, second = await receiver.got(2)
    assert first.body == second.body
    [delivery] = await settled(service.channel, automation_id=policy.notification_policy_id)
    assert delivery.tries == 1
